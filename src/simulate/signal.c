/* Materials and channels -> signal per nm of path. */
#include <math.h>
#include <string.h>

#include "seitomo/signal.h"
#include "simulate/spectrum.h"

enum { SILICON = 14 };

/* Windows of the paper (its Supplementary Information, "background and signal intensity"). */
static const struct usual_window {
    int atomic_number;
    double low_kev, high_kev;
} usual_windows[] = {{14, 1.662, 1.818}, {8, 0.461, 0.587}, {9, 0.626, 0.726}, {6, 0.231, 0.321}};

sei_status sei_signal_window(const sei_microscope *microscope, int atomic_number, sei_family family, double window_kev[2]) {
    sei_line lines[SEI_MAX_LINES];
    size_t count = 0;
    size_t best = 0;
    const sei_status status = sei_atom_lines(atomic_number, family, microscope->beam_kev, lines, &count);
    if (status != SEI_OK) return status;
    if (count == 0) {
        return sei_fail(SEI_ERR_INPUT,
                        "%s emits no %s line from 0.1 keV up that %g keV electrons excite%s; choose another element or line",
                        sei_atom_symbol(atomic_number), family == SEI_FAMILY_K ? "K" : "L", microscope->beam_kev,
                        atomic_number == 3 ? " (lithium's lies at 0.054 keV, below what EDS detectors see)" : "");
    }
    for (size_t k = 0; family == SEI_FAMILY_K && k < sizeof usual_windows / sizeof usual_windows[0]; ++k) {
        if (usual_windows[k].atomic_number != atomic_number) continue;
        window_kev[0] = usual_windows[k].low_kev;
        window_kev[1] = usual_windows[k].high_kev;
        return SEI_OK;
    }
    for (size_t k = 1; k < count; ++k) {
        if (lines[k].emission_nm2 > lines[best].emission_nm2) best = k;
    }
    const double reach = 0.6e-3 * sei_microscope_fwhm_ev(microscope, lines[best].energy_kev);
    window_kev[0] = lines[best].energy_kev - reach;
    window_kev[1] = lines[best].energy_kev + reach;
    return SEI_OK;
}

static sei_status refuse(const sei_signal_channel *channel, const char *field, double value, const char *expected) {
    return sei_fail(SEI_ERR_INPUT, "channel '%s': %s %g, expected %s", channel->name, field, value, expected);
}

sei_status sei_signal_channel_check(const sei_microscope *microscope, sei_signal_channel *channel) {
    double window[2];
    if (!(channel->peak_to_background >= 0 && channel->peak_to_background <= 1e9)) {
        return refuse(channel, "peak_to_background", channel->peak_to_background, "0 (none) to 1e9");
    }
    if (channel->kind == SEI_SIGNAL_HAADF && !(channel->exponent >= 0 && channel->exponent <= 3)) {
        return refuse(channel, "exponent", channel->exponent, "0 to 3");
    }
    if (channel->kind != SEI_SIGNAL_EDS) return SEI_OK;
    if (!(channel->k_factor >= 0 && channel->k_factor <= 1e6)) {
        return refuse(channel, "k_factor", channel->k_factor, "0 (from the cross-section) to 1e6");
    }
    if (channel->overlaps && channel->k_factor > 0) {
        return sei_fail(SEI_ERR_INPUT, "channel '%s': a k_factor tells nothing of overlaps; give one of the two", channel->name);
    }
    const sei_status status = sei_signal_window(microscope, channel->atomic_number, channel->family, window);
    if (status != SEI_OK) return sei_fail_context(status, "channel '%s'", channel->name);
    if (isnan(channel->window_kev[0]) && isnan(channel->window_kev[1])) {
        memcpy(channel->window_kev, window, sizeof window);
        return SEI_OK;
    }
    if (!(channel->window_kev[0] >= 0 && channel->window_kev[1] > channel->window_kev[0] && channel->window_kev[1] <= 1000)) {
        return sei_fail(SEI_ERR_INPUT, "channel '%s': window_kev from %g to %g, expected two rising energies from 0 to 1000 keV",
                        channel->name, channel->window_kev[0], channel->window_kev[1]);
    }
    return SEI_OK;
}

/* Counts per beam electron and atom/nm2 of one family of an element inside a window. */
static sei_status counts_of_family(const sei_microscope *microscope, int atomic_number, sei_family family, const double window[2],
                                   double *counts) {
    sei_line lines[SEI_MAX_LINES];
    size_t count = 0;
    double sum = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_atom_lines(atomic_number, family, microscope->beam_kev, lines, &count));
    for (size_t k = 0; k < count; ++k) {
        const double inside = sei_line_between(microscope, lines[k].energy_kev, window[0], window[1]);
        double efficiency = 0;
        if (!(inside > 0) || lines[k].energy_kev > 100) continue;
        SEI_TRY(sei_microscope_efficiency(microscope, lines[k].energy_kev, &efficiency));
        sum += lines[k].emission_nm2 * inside * efficiency;
    }
    *counts = sum * sei_solid_angle_share(microscope);
done:
    return status;
}

/* The same for what a channel counts of an element: its own family, or with overlaps everything. */
static sei_status counts_of_element(const sei_microscope *microscope, const sei_signal_channel *channel, int atomic_number,
                                    double *counts) {
    *counts = 0;
    if (atomic_number != channel->atomic_number && !channel->overlaps) return SEI_OK;
    for (int family = SEI_FAMILY_K; family <= SEI_FAMILY_L; ++family) {
        double part = 0;
        if (!channel->overlaps && (int)channel->family != family) continue;
        const sei_status status = counts_of_family(microscope, atomic_number, (sei_family)family, channel->window_kev, &part);
        if (status != SEI_OK) return status;
        *counts += part;
    }
    return SEI_OK;
}

/* Grams per cm3 of atoms/nm3 of an element. */
static sei_status mass_density(int atomic_number, double atoms_per_nm3, double *g_per_cm3) {
    double weight = 0;
    const sei_status status = sei_atom_weight(atomic_number, &weight);
    if (status == SEI_OK) *g_per_cm3 = atoms_per_nm3 * weight / 602.214076;
    return status;
}

/* Counts per beam electron and nm by the Cliff-Lorimer factor: as silicon would give, times mass fractions, over k. */
static sei_status counts_by_factor(const sei_microscope *microscope, const sei_signal_channel *channel, double atoms_per_nm3,
                                   double *counts) {
    double window[2];
    double silicon = 0;
    double density = 0;
    double one = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_signal_window(microscope, SILICON, SEI_FAMILY_K, window));
    SEI_TRY(counts_of_family(microscope, SILICON, SEI_FAMILY_K, window, &silicon));
    SEI_TRY(mass_density(SILICON, 1, &one));
    SEI_TRY(mass_density(channel->atomic_number, atoms_per_nm3, &density));
    *counts = density / channel->k_factor * silicon / one;
done:
    return status;
}

static sei_status eds_coefficient(const sei_microscope *microscope, const sei_signal_channel *channel,
                                  const sei_material *material, const double *atoms_per_nm3, double *coefficient) {
    double sum = 0;
    for (size_t i = 0; i < material->n_constituents; ++i) {
        const int z = material->constituents[i].atomic_number;
        double counts = 0;
        sei_status status = SEI_OK;
        if (channel->k_factor > 0) {
            if (z == channel->atomic_number) status = counts_by_factor(microscope, channel, atoms_per_nm3[i], &counts);
        } else {
            status = counts_of_element(microscope, channel, z, &counts);
            counts *= atoms_per_nm3[i];
        }
        if (status != SEI_OK) return sei_fail_context(status, "channel '%s', material '%s'", channel->name, material->name);
        sum += counts;
    }
    *coefficient = sum;
    return SEI_OK;
}

static double haadf_coefficient(const sei_signal_channel *channel, const sei_material *material, const double *atoms_per_nm3) {
    double sum = 0;
    for (size_t i = 0; i < material->n_constituents; ++i) {
        sum += atoms_per_nm3[i] * pow(material->constituents[i].atomic_number, channel->exponent);
    }
    return sum;
}

/* One material in all channels. `given` may be NULL. */
static sei_status fill_material(const sei_material *material, const double *given, size_t n_channels,
                                const sei_signal_channel *channels, const sei_microscope *microscope, double *coefficient) {
    double atoms[SEI_MAX_CONSTITUENTS] = {0};
    bool physical = false;
    sei_status status = sei_material_check(material);
    if (status != SEI_OK) return status;
    for (size_t c = 0; c < n_channels; ++c) physical = physical || channels[c].kind != SEI_SIGNAL_GIVEN;
    if (physical && material->n_constituents > 0) status = sei_material_atoms_per_nm3(material, atoms);
    for (size_t c = 0; status == SEI_OK && c < n_channels; ++c) {
        const sei_signal_channel *channel = &channels[c];
        const double value = given == NULL ? 0 : given[c];
        if (channel->kind == SEI_SIGNAL_GIVEN) {
            if (!(value >= 0 && isfinite(value))) {
                return sei_fail(SEI_ERR_INPUT, "material '%s': a signal of %g in channel '%s', expected 0 or more",
                                material->name, value, channel->name);
            }
            coefficient[c] = value;
        } else if (channel->kind == SEI_SIGNAL_HAADF) {
            coefficient[c] = haadf_coefficient(channel, material, atoms);
        } else {
            status = eds_coefficient(microscope, channel, material, atoms, &coefficient[c]);
        }
    }
    return status;
}

sei_status sei_signal_coefficients(size_t n_materials, const sei_material *materials, const double *given, size_t n_channels,
                                   const sei_signal_channel *channels, const sei_microscope *microscope, double *coefficient) {
    for (size_t m = 0; m < n_materials; ++m) {
        const sei_status status = fill_material(&materials[m], given == NULL ? NULL : given + m * n_channels, n_channels,
                                                channels, microscope, coefficient + m * n_channels);
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}

sei_status sei_signal_bremsstrahlung(size_t n_materials, const sei_material *materials, double *weight) {
    for (size_t m = 0; m < n_materials; ++m) {
        double atoms[SEI_MAX_CONSTITUENTS] = {0};
        double sum = 0;
        const sei_status status = sei_material_atoms_per_nm3(&materials[m], atoms);
        if (status != SEI_OK) return status;
        for (size_t i = 0; i < materials[m].n_constituents; ++i) {
            const double z = materials[m].constituents[i].atomic_number;
            sum += atoms[i] * z * z;
        }
        weight[m] = sum;
    }
    return SEI_OK;
}

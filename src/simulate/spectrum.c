/* Spectra: lines and bremsstrahlung as the detectors show them. */
#include "simulate/spectrum.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"

enum { MOST_BINS = 16384, MOST_ANCHORS = 16, MOST_ROUNDS = 200 };

static const double PI = 3.14159265358979323846;
static const double SOFTEST_KEV = 0.1;

double sei_solid_angle_share(const sei_microscope *microscope) {
    double sum = 0;
    for (size_t d = 0; d < microscope->n_detectors; ++d) sum += microscope->detectors[d].solid_angle_sr;
    return sum / (4 * PI);
}

/* Integral of the broadened line from below up to an energy. */
static double line_below(double line_kev, double sigma_kev, double energy_kev) {
    return 0.5 * erfc((line_kev - energy_kev) / (sigma_kev * sqrt(2)));
}

static double sigma_kev(const sei_microscope *microscope, double energy_kev) {
    return sei_microscope_fwhm_ev(microscope, energy_kev) / 1000 / (2 * sqrt(2 * log(2)));
}

double sei_line_between(const sei_microscope *microscope, double line_kev, double low_kev, double high_kev) {
    const double sigma = sigma_kev(microscope, line_kev);
    return line_below(line_kev, sigma, high_kev) - line_below(line_kev, sigma, low_kev);
}

void sei_energy_axis_default(sei_energy_axis *axis) {
    *axis = (sei_energy_axis){.bins = 1024, .first_kev = 0, .step_kev = 0.01};
}

sei_status sei_energy_axis_check(const sei_energy_axis *axis) {
    if (axis->bins < 2 || axis->bins > MOST_BINS) {
        return sei_fail(SEI_ERR_INPUT, "spectra of %lld bins, expected 2 to %d", (long long)axis->bins, MOST_BINS);
    }
    if (!(axis->step_kev >= 1e-4 && axis->step_kev <= 1) || !(axis->first_kev >= -1 && axis->first_kev <= 1000)) {
        return sei_fail(SEI_ERR_INPUT,
                        "spectra from %g keV in steps of %g: expected a first energy of -1 to 1000, a step of 1e-4 to 1",
                        axis->first_kev, axis->step_kev);
    }
    return SEI_OK;
}

/* Lower edge of a bin; that of bin i+1 is the upper one. */
static double edge(const sei_energy_axis *axis, int64_t bin) {
    return axis->first_kev + ((double)bin - 0.5) * axis->step_kev;
}

double sei_spectrum_window(const sei_energy_axis *axis, const double *spectrum, double low_kev, double high_kev) {
    double sum = 0;
    for (int64_t i = 0; i < axis->bins; ++i) {
        const double inside = fmin(edge(axis, i + 1), high_kev) - fmax(edge(axis, i), low_kev);
        if (inside > 0) sum += spectrum[i] * inside / axis->step_kev;
    }
    return sum;
}

/* Adds `counts` as a line; six sigma to either side hold all but 2e-9 of it. */
static void add_line(const sei_microscope *microscope, const sei_energy_axis *axis, double line_kev, double counts,
                     double *shape) {
    const double sigma = sigma_kev(microscope, line_kev);
    const double first = floor((line_kev - 6 * sigma - axis->first_kev) / axis->step_kev);
    const double last = ceil((line_kev + 6 * sigma - axis->first_kev) / axis->step_kev);
    const int64_t end = last < (double)(axis->bins - 1) ? (int64_t)last : axis->bins - 1;
    for (int64_t i = first > 0 ? (int64_t)first : 0; i <= end; ++i) {
        shape[i] += counts * (line_below(line_kev, sigma, edge(axis, i + 1)) - line_below(line_kev, sigma, edge(axis, i)));
    }
}

sei_status sei_spectrum_lines(const sei_microscope *microscope, int atomic_number, const sei_energy_axis *axis, double *shape) {
    const double solid = sei_solid_angle_share(microscope);
    sei_status status = SEI_OK;
    SEI_TRY(sei_microscope_check(microscope));
    SEI_TRY(sei_energy_axis_check(axis));
    for (int64_t i = 0; i < axis->bins; ++i) shape[i] = 0;
    for (int family = SEI_FAMILY_K; family <= SEI_FAMILY_L; ++family) {
        sei_line lines[SEI_MAX_LINES];
        size_t count = 0;
        SEI_TRY(sei_atom_lines(atomic_number, (sei_family)family, microscope->beam_kev, lines, &count));
        for (size_t k = 0; k < count; ++k) {
            double efficiency = 0;
            if (lines[k].energy_kev > 100) continue;
            SEI_TRY(sei_microscope_efficiency(microscope, lines[k].energy_kev, &efficiency));
            add_line(microscope, axis, lines[k].energy_kev, lines[k].emission_nm2 * efficiency * solid, shape);
        }
    }
done:
    return status;
}

sei_status sei_spectrum_net(const sei_microscope *microscope, const sei_material *material, const sei_energy_axis *axis,
                            double *spectrum) {
    double atoms[SEI_MAX_CONSTITUENTS] = {0};
    double *shape = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_energy_axis_check(axis));
    SEI_TRY(sei_material_atoms_per_nm3(material, atoms));
    SEI_TRY(SEI_NEW(shape, axis->bins, 1, 1));
    for (int64_t e = 0; e < axis->bins; ++e) spectrum[e] = 0;
    for (size_t i = 0; i < material->n_constituents; ++i) {
        SEI_TRY(sei_spectrum_lines(microscope, material->constituents[i].atomic_number, axis, shape));
        for (int64_t e = 0; e < axis->bins; ++e) spectrum[e] += atoms[i] * shape[e];
    }
done:
    sei_free(shape);
    return status;
}

sei_status sei_spectrum_bremsstrahlung(const sei_microscope *microscope, const sei_energy_axis *axis, double *shape) {
    double sum = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_microscope_check(microscope));
    SEI_TRY(sei_energy_axis_check(axis));
    for (int64_t i = 0; i < axis->bins; ++i) shape[i] = 0;
    for (int64_t i = 0; i < axis->bins; ++i) {
        const double energy = axis->first_kev + (double)i * axis->step_kev;
        double efficiency = 0;
        if (energy < SOFTEST_KEV || energy >= microscope->beam_kev || energy > 100) continue;
        SEI_TRY(sei_microscope_efficiency(microscope, energy, &efficiency));
        add_line(microscope, axis, energy, (microscope->beam_kev - energy) / energy * efficiency, shape);
    }
    for (int64_t i = 0; i < axis->bins; ++i) sum += shape[i];
    if (!(sum > 0)) {
        status =
            sei_fail(SEI_ERR_INPUT, "no bremsstrahlung from %g to %g keV: the axis holds nothing from %g keV to the beam's %g",
                     edge(axis, 0), edge(axis, axis->bins), SOFTEST_KEV, microscope->beam_kev);
        goto done;
    }
    for (int64_t i = 0; i < axis->bins; ++i) shape[i] /= sum;
done:
    return status;
}

/* Logarithm of the bend at an energy: linear between anchors' middles (sorted), constant beyond. */
static double bend_at(double energy, size_t n, const double *middle, const double *bend) {
    size_t k = 1;
    if (energy <= middle[0]) return bend[0];
    while (k < n && energy > middle[k]) ++k;
    if (k == n) return bend[n - 1];
    const double t = (energy - middle[k - 1]) / (middle[k] - middle[k - 1]);
    return (1 - t) * bend[k - 1] + t * bend[k];
}

/* Anchors in the order of their middles; refuses equal ones and impossible counts. */
static sei_status sort_anchors(size_t n, const sei_spectrum_anchor *anchors, sei_spectrum_anchor sorted[MOST_ANCHORS]) {
    if (n < 1 || n > MOST_ANCHORS) return sei_fail(SEI_ERR_INPUT, "%zu background windows, expected 1 to %d", n, MOST_ANCHORS);
    for (size_t a = 0; a < n; ++a) {
        size_t at = a;
        if (!(anchors[a].high_kev > anchors[a].low_kev) || !(anchors[a].counts > 0 && isfinite(anchors[a].counts))) {
            return sei_fail(SEI_ERR_INPUT,
                            "background window %g to %g keV with %g counts: expected rising energies and counts above 0",
                            anchors[a].low_kev, anchors[a].high_kev, anchors[a].counts);
        }
        for (; at > 0 && sorted[at - 1].low_kev + sorted[at - 1].high_kev > anchors[a].low_kev + anchors[a].high_kev; --at) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = anchors[a];
    }
    for (size_t a = 1; a < n; ++a) {
        if (sorted[a].low_kev + sorted[a].high_kev > sorted[a - 1].low_kev + sorted[a - 1].high_kev + 1e-6) continue;
        return sei_fail(SEI_ERR_INPUT, "two background windows have one middle, %g keV; leave one out",
                        (sorted[a].low_kev + sorted[a].high_kev) / 2);
    }
    return SEI_OK;
}

sei_status sei_spectrum_bend(const sei_energy_axis *axis, size_t n, const sei_spectrum_anchor *anchors, double *shape) {
    sei_spectrum_anchor sorted[MOST_ANCHORS];
    double middle[MOST_ANCHORS];
    double bend[MOST_ANCHORS] = {0};
    double *bent = NULL;
    double worst = INFINITY;
    sei_status status = SEI_OK;
    SEI_TRY(sei_energy_axis_check(axis));
    SEI_TRY(sort_anchors(n, anchors, sorted));
    SEI_TRY(SEI_NEW(bent, axis->bins, 1, 1));
    for (size_t a = 0; a < n; ++a) middle[a] = (sorted[a].low_kev + sorted[a].high_kev) / 2;
    for (int round = 0; round < MOST_ROUNDS && worst > 1e-7; ++round) {
        for (int64_t i = 0; i < axis->bins; ++i) {
            bent[i] = shape[i] * exp(bend_at(axis->first_kev + (double)i * axis->step_kev, n, middle, bend));
        }
        worst = 0;
        for (size_t a = 0; a < n; ++a) {
            const double is = sei_spectrum_window(axis, bent, sorted[a].low_kev, sorted[a].high_kev);
            if (!(is > 0)) {
                status = sei_fail(SEI_ERR_INPUT, "background window %g to %g keV lies where the spectrum has no background",
                                  sorted[a].low_kev, sorted[a].high_kev);
                goto done;
            }
            bend[a] += log(sorted[a].counts / is);
            worst = fmax(worst, fabs(is / sorted[a].counts - 1));
        }
    }
    if (!(worst <= 1e-6)) {
        status = sei_fail(SEI_ERR_INPUT,
                          "no smooth background holds the counts of all %zu windows (the worst is off by %.2g); are "
                          "two windows nearly the same?",
                          n, worst);
        goto done;
    }
    memcpy(shape, bent, (size_t)axis->bins * sizeof *shape);
done:
    sei_free(bent);
    return status;
}

sei_status sei_spectrum_stray(const sei_microscope *microscope, size_t n, const sei_stray *stray, const sei_energy_axis *axis,
                              double *shape) {
    double *lines = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_energy_axis_check(axis));
    SEI_TRY(SEI_NEW(lines, axis->bins, 1, 1));
    for (int64_t e = 0; e < axis->bins; ++e) shape[e] = 0;
    for (size_t k = 0; k < n; ++k) {
        double sum = 0;
        if (!(stray[k].share >= 0 && stray[k].share <= 1)) {
            status = sei_fail(SEI_ERR_INPUT, "stray lines of %s: share %g, expected 0 to 1",
                              sei_atom_symbol(stray[k].atomic_number), stray[k].share);
            goto done;
        }
        SEI_TRY(sei_spectrum_lines(microscope, stray[k].atomic_number, axis, lines));
        for (int64_t e = 0; e < axis->bins; ++e) sum += lines[e];
        if (!(sum > 0)) {
            status = sei_fail(SEI_ERR_INPUT, "stray lines of %s: none lies on the energy axis",
                              sei_atom_symbol(stray[k].atomic_number));
            goto done;
        }
        for (int64_t e = 0; e < axis->bins; ++e) shape[e] += stray[k].share * lines[e] / sum;
    }
done:
    sei_free(lines);
    return status;
}

/* The microscope: beam, four detectors, what they see, pass and count. */
#include <math.h>

#include "seitomo/signal.h"

static const double PI = 3.14159265358979323846;

void sei_microscope_default(sei_microscope *microscope) {
    sei_microscope fresh = {.beam_kev = 200,
                            .n_detectors = 4,
                            .fwhm_mn_ev = 130,
                            .contact_nm = 30,
                            .dead_nm = 50,
                            .crystal_mm = 0.45,
                            .holder_rim_deg = NAN};
    for (int d = 0; d < 4; ++d) fresh.detectors[d] = (sei_eds_detector){45 + 90 * d, 18, 0.7 / 4};
    *microscope = fresh;
}

static sei_status within(const char *field, double value, double low, double high) {
    if (value >= low && value <= high) return SEI_OK;
    return sei_fail(SEI_ERR_INPUT, "microscope: %s %g, expected %g to %g", field, value, low, high);
}

sei_status sei_microscope_check(const sei_microscope *m) {
    sei_status status = SEI_OK;
    double sum = 0;
    SEI_TRY(within("beam_kev", m->beam_kev, 1, 1000));
    SEI_TRY(within("n_detectors", (double)m->n_detectors, 1, SEI_MAX_DETECTORS));
    for (size_t d = 0; d < m->n_detectors; ++d) {
        SEI_TRY(within("azimuth_deg", m->detectors[d].azimuth_deg, -360, 360));
        SEI_TRY(within("elevation_deg", m->detectors[d].elevation_deg, -90, 90));
        SEI_TRY(within("solid_angle_sr", m->detectors[d].solid_angle_sr, 1e-6, 2 * PI));
        sum += m->detectors[d].solid_angle_sr;
    }
    SEI_TRY(within("solid angle of all detectors", sum, 1e-6, 4 * PI));
    SEI_TRY(within("fwhm_mn_ev", m->fwhm_mn_ev, 121, 1000)); /* below, the width at 0.1 keV would be the root of a negative */
    SEI_TRY(within("contact_nm", m->contact_nm, 0, 1e5));
    SEI_TRY(within("dead_nm", m->dead_nm, 0, 1e5));
    SEI_TRY(within("ice_nm", m->ice_nm, 0, 1e6));
    SEI_TRY(within("crystal_mm", m->crystal_mm, 1e-3, 100));
    if (!isnan(m->holder_rim_deg)) SEI_TRY(within("holder_rim_deg", m->holder_rim_deg, -90, 90));
done:
    return status;
}

/* Optical thickness of a layer. */
static sei_status layer(const sei_constituent *constituents, size_t n, double density_g_cm3, double energy_kev,
                        double thickness_nm, double *optical) {
    sei_material material = {.name = "detector", .density_g_cm3 = density_g_cm3, .n_constituents = n};
    double per_nm = 0;
    for (size_t i = 0; i < n; ++i) material.constituents[i] = constituents[i];
    const sei_status status = sei_material_attenuation(&material, energy_kev, &per_nm);
    if (status == SEI_OK) *optical = per_nm * thickness_nm;
    return status;
}

sei_status sei_microscope_efficiency(const sei_microscope *m, double energy_kev, double *share) {
    static const sei_constituent aluminium[] = {{13, 1}};
    static const sei_constituent silicon[] = {{14, 1}};
    static const sei_constituent ice[] = {{1, 2}, {8, 1}};
    double contact = 0;
    double dead = 0;
    double frozen = 0;
    double crystal = 0;
    sei_status status = SEI_OK;
    SEI_TRY(layer(aluminium, 1, 2.70, energy_kev, m->contact_nm, &contact));
    SEI_TRY(layer(silicon, 1, 2.329, energy_kev, m->dead_nm, &dead));
    SEI_TRY(layer(ice, 2, 0.94, energy_kev, m->ice_nm, &frozen));
    SEI_TRY(layer(silicon, 1, 2.329, energy_kev, m->crystal_mm * 1e6, &crystal));
    *share = exp(-(contact + dead + frozen)) * -expm1(-crystal);
done:
    return status;
}

double sei_microscope_fwhm_ev(const sei_microscope *microscope, double energy_kev) {
    return sqrt(microscope->fwhm_mn_ev * microscope->fwhm_mn_ev + 2.5 * (energy_kev * 1000 - 5898.7));
}

void sei_detector_direction(const sei_eds_detector *detector, double tilt_deg, double direction[3]) {
    const double azimuth = detector->azimuth_deg * PI / 180;
    const double elevation = detector->elevation_deg * PI / 180;
    const double c = cos(tilt_deg * PI / 180);
    const double s = sin(tilt_deg * PI / 180);
    const double u = cos(elevation) * cos(azimuth);
    const double w = -sin(elevation); /* against the beam */
    direction[0] = u * c + w * s;
    direction[1] = cos(elevation) * sin(azimuth);
    direction[2] = w * c - u * s;
}

double sei_detector_visible(const sei_microscope *microscope, size_t detector, double tilt_deg) {
    const sei_eds_detector *seen = &microscope->detectors[detector];
    double direction[3];
    if (isnan(microscope->holder_rim_deg)) return 1;
    sei_detector_direction(seen, tilt_deg, direction);
    const double over = asin(fmin(1, fmax(-1, -direction[2]))) * 180 / PI - microscope->holder_rim_deg;
    const double half = acos(1 - seen->solid_angle_sr / (2 * PI)) * 180 / PI;
    const double t = fmin(1, fmax(-1, over / half));
    return 0.5 + (t * sqrt(1 - t * t) + asin(t)) / PI;
}

double sei_microscope_visible(const sei_microscope *microscope, double tilt_deg) {
    double seen = 0;
    double whole = 0;
    for (size_t d = 0; d < microscope->n_detectors; ++d) {
        const double angle = microscope->detectors[d].solid_angle_sr;
        seen += angle * sei_detector_visible(microscope, d, tilt_deg);
        whole += angle;
    }
    return seen / whole;
}

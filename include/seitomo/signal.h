/*
 * signal: what a path through a material emits. Atoms (weights, lines, cross-sections), materials by composition, HAADF and
 * EDS channels, four detectors with shadow and exit absorption, bremsstrahlung, spectra.
 *
 * A channel's noise-free image is
 *     sum over materials m of coefficient[m][c] * path_nm[m], times the electrons of a pixel for EDS channels,
 * with the paths of seitomo/specimen.h; damage and background are the experiment's (seitomo/experiment.h, simulate.h).
 *
 * Sources: atomic weights, line energies, fluorescence yields, radiative rates and mass attenuation coefficients from
 * xraylib (Schoonjans et al. 2011, Spectrochimica Acta B 66, 776; attenuation reaches down to 0.1 keV). Ionisation
 * cross-sections from Casnati, Tartari and Baraldi 1982, J. Phys. B 15, 155. Against the distorted-wave results of Bote et al.
 * 2009, At. Data Nucl. Data Tables 95, 871, they are at 100 to 300 keV too large by 5 (Si, 100 keV) to 23 % (C, 200 keV) for the
 * K shells from C to Cu, by 3 to 5 % for L2 and L3 of Cr to Cu; elements against each other err by up to 16 %.
 *
 * A library built without xraylib knows no element: every function here that needs one is SEI_ERR_ENVIRONMENT and says so;
 * channels whose signals are given need none.
 */
#ifndef SEITOMO_SIGNAL_H
#define SEITOMO_SIGNAL_H

#include "seitomo/specimen.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- atoms: src/simulate/atoms.c ---- */

/* Whether this library was built with xraylib. */
bool sei_atoms_known(void);
/* The atomic number of "Si", 1 to 103. SEI_ERR_INPUT names what is no element. */
sei_status sei_atom_number(const char *symbol, int *atomic_number) SEI_MUST_CHECK;
/* "Si" of 14; "" outside 1 to 103. Static storage. */
const char *sei_atom_symbol(int atomic_number);
/* Standard atomic weight, g/mol. */
sei_status sei_atom_weight(int atomic_number, double *g_per_mol) SEI_MUST_CHECK;
/* Mass attenuation coefficient (photoelectric + coherent + incoherent), cm2/g. energy_kev from 0.1 to 100, else SEI_ERR_INPUT. */
sei_status sei_atom_attenuation(int atomic_number, double energy_kev, double *cm2_per_g) SEI_MUST_CHECK;

/* The shells whose lines a channel counts: K, or L2 and L3 together (L1 emits next to nothing). */
typedef enum sei_family { SEI_FAMILY_K = 0, SEI_FAMILY_L } sei_family;

/* Subshells the cross-section knows. */
typedef enum sei_subshell { SEI_SUBSHELL_K = 0, SEI_SUBSHELL_L2, SEI_SUBSHELL_L3 } sei_subshell;

/*
 * Cross-section for ionising a subshell by an electron of beam_kev, in nm2 (1 barn = 1e-10 nm2); 0 below the edge.
 *   sigma = n a0^2 (R/I)^2 f psi phi ln(U)/U,   U = T/I,   n electrons in the subshell, R = 13.6057 eV,
 *   psi = (I/R)^(-0.0318 + 0.3160/U - 0.1135/U^2),   phi = 10.57 exp(-1.736/U + 0.317/U^2),
 *   f = (2+i)/(2+t) ((1+t)/(1+i))^2 [ (i+t)(2+t)(1+i)^2 / (t(2+t)(1+i)^2 + i(2+i)) ]^(3/2),  i, t = I, T over m c^2.
 * beam_kev 1 to 1000. Errors: SEI_ERR_INPUT (element without that shell, beam out of range).
 */
sei_status sei_atom_ionisation(int atomic_number, sei_subshell subshell, double beam_kev, double *nm2) SEI_MUST_CHECK;

/* One emission line, and the cross-section for exciting it: ionisation times fluorescence yield times radiative rate. */
typedef struct sei_line {
    double energy_kev;
    double emission_nm2;
} sei_line;

enum { SEI_MAX_LINES = 8 };

/*
 * The lines of a family, in this order: K-alpha, K-beta; or L-alpha (L3-M4,5), L-beta1 (L2-M4), L-l (L3-M1), L-eta
 * (L2-M1). Lines below 0.1 keV are left out; *count may be 0 (nothing to see, or the beam is below the edge). Coster-Kronig
 * transfers between L subshells are left out.
 */
sei_status sei_atom_lines(int atomic_number, sei_family family, double beam_kev, sei_line lines[SEI_MAX_LINES],
                          size_t *count) SEI_MUST_CHECK;

/* ---- materials: src/simulate/material.c ---- */

/*
 * Reads a formula as "SiO2", "Li2CO3", "Ca(OH)2", "Si0.2O1.5F0.3" into at most SEI_MAX_CONSTITUENTS constituents of
 * different elements, atoms above 0. SEI_ERR_INPUT names the place; unknown elements are named.
 */
sei_status sei_formula_read(const char *formula, sei_constituent constituents[SEI_MAX_CONSTITUENTS],
                            size_t *count) SEI_MUST_CHECK;

/* The materials that need no definition; index from 0, NULL beyond the last. Static storage. */
const char *sei_material_known(size_t index);
/*
 * A known material by its name: composition, density at room temperature (g/cm3), the label it usually has in the truth.
 * No damage. SEI_ERR_INPUT names the ones there are.
 */
sei_status sei_material_by_name(const char *name, sei_material *out) SEI_MUST_CHECK;
/*
 * Refuses a density below 0, above 25 g/cm3 or not finite; atoms not above 0; an element that is none; a density without
 * composition or the reverse; lost_fraction outside 0 to 1, critical dose below 0. SEI_ERR_INPUT names material and field.
 */
sei_status sei_material_check(const sei_material *material) SEI_MUST_CHECK;
/* Atoms of each constituent per nm3: density * N_A * atoms_i / sum_j(atoms_j * weight_j). Silicon: 49.9 per nm3. */
sei_status sei_material_atoms_per_nm3(const sei_material *material, double atoms_per_nm3[SEI_MAX_CONSTITUENTS]) SEI_MUST_CHECK;
/* Linear attenuation coefficient at a photon energy, 1/nm; 0 for a void. */
sei_status sei_material_attenuation(const sei_material *material, double energy_kev, double *per_nm) SEI_MUST_CHECK;

/* ---- microscope: src/simulate/microscope.c ---- */

enum { SEI_MAX_DETECTORS = 8 };

/*
 * An EDS detector as the specimen sees it. Azimuth counts from +x towards +y (y: the tilt axis), elevation from the plane of
 * the untilted specimen towards the source. The beam runs towards +z, so the detector stands in the direction
 * (cos el cos az, cos el sin az, -sin el) at tilt 0 and stays there while the specimen turns beneath it.
 */
typedef struct sei_eds_detector {
    double azimuth_deg, elevation_deg;
    double solid_angle_sr;
} sei_eds_detector;

typedef struct sei_microscope {
    double beam_kev;
    size_t n_detectors;
    sei_eds_detector detectors[SEI_MAX_DETECTORS];
    double fwhm_mn_ev; /* resolution: full width at half maximum at Mn K-alpha */
    double contact_nm; /* what photons pass before they count: aluminium contact, dead silicon, ice */
    double dead_nm, ice_nm;
    double crystal_mm;     /* silicon that stops them */
    double holder_rim_deg; /* elevation of the holder's rim over the specimen's plane, all round; NaN: no shadow */
} sei_microscope;

/* 200 kV, four detectors at azimuths 45, 135, 225, 315 degrees, elevation 18, 0.7 sr in all; 130 eV at Mn K-alpha; windowless:
 * 30 nm aluminium, 50 nm dead silicon, no ice, 0.45 mm; no shadow. */
void sei_microscope_default(sei_microscope *microscope);
/* Refuses what no microscope has, with field, value and range. */
sei_status sei_microscope_check(const sei_microscope *microscope) SEI_MUST_CHECK;
/* Share of photons of that energy (0.1 to 100 keV) that a detector counts: what passes its layers and stops in its crystal. */
sei_status sei_microscope_efficiency(const sei_microscope *microscope, double energy_kev, double *share) SEI_MUST_CHECK;
/* Full width at half maximum, eV: sqrt(fwhm_mn^2 + 2.5 (E - 5898.7)), E in eV (Fiori and Newbury 1978). */
double sei_microscope_fwhm_ev(const sei_microscope *microscope, double energy_kev);
/*
 * Where a detector stands in the specimen's own axes at a tilt (unit vector x, y, z): the lab vector turned back through
 * u = x cos(tilt) - z sin(tilt), as types.h has it.
 */
void sei_detector_direction(const sei_eds_detector *detector, double tilt_deg, double direction[3]);
/*
 * Share of a detector that sees the specimen over the holder's rim. The detector is a disc of its solid angle, half angle
 * a = acos(1 - solid_angle/(2 pi)); its centre stands e over the rim; the part of the disc above the rim is
 * 1/2 + (t sqrt(1-t^2) + asin t)/pi with t = e/a, from -1 to 1. 1 when there is no rim.
 */
double sei_detector_visible(const sei_microscope *microscope, size_t detector, double tilt_deg);
/* Solid angle that sees the specimen at this tilt over the whole: what shadow alone does to every EDS channel. */
double sei_microscope_visible(const sei_microscope *microscope, double tilt_deg);

/* ---- channels: src/simulate/signal.c ---- */

/* What a channel is: signals given per material; HAADF; counts of one element. */
typedef enum sei_signal_kind { SEI_SIGNAL_GIVEN = 0, SEI_SIGNAL_HAADF, SEI_SIGNAL_EDS } sei_signal_kind;

typedef struct sei_signal_channel {
    char name[SEI_NAME_LENGTH];
    sei_signal_kind kind;
    double exponent;           /* HAADF: Z to this power; 1.7 */
    int atomic_number;         /* EDS */
    sei_family family;         /* EDS */
    double window_kev[2];      /* EDS: energies counted; NaN: the usual ones */
    bool overlaps;             /* EDS: lines of other elements that fall into the window count, too */
    double k_factor;           /* EDS: Cliff-Lorimer factor against silicon K (mass fractions); 0: from the cross-section */
    double peak_to_background; /* net counts over background counts in the window over the series; 0: none */
} sei_signal_channel;

/*
 * The energy window of an element's line in which the paper counts: Si 1.662-1.818, O 0.461-0.587, F 0.626-0.726,
 * C 0.231-0.321 keV; for others the strongest line and 0.6 of its width (FWHM) to either side. SEI_ERR_INPUT: nothing that a
 * detector sees (H, He, Li, or the beam is below the edge).
 */
sei_status sei_signal_window(const sei_microscope *microscope, int atomic_number, sei_family family,
                             double window_kev[2]) SEI_MUST_CHECK;
/*
 * Checks a channel and fills in its window. Refused: an element that emits nothing a detector sees (lithium's line lies at
 * 0.054 keV), a line above the beam, a window upside down, negative factors. SEI_ERR_INPUT names channel and field.
 */
sei_status sei_signal_channel_check(const sei_microscope *microscope, sei_signal_channel *channel) SEI_MUST_CHECK;

/*
 * coefficient[m*n_channels + c]: signal per nm of path.
 *   given   given[m*n_channels + c]; NULL counts as zeros
 *   HAADF   sum_i N_i Z_i^exponent, N in atoms/nm3 (Pennycook and Jesson 1991: near 1.7 for the usual inner angles)
 *   EDS     counts per beam electron and nm: N sum_lines emission * in_window(line) * sum_d (solid_angle_d/4pi) * efficiency(E),
 *           in_window being the part of the broadened line inside the channel's window; with a k-factor instead
 *           (mass density of the element / k) * (counts per mass density of silicon's K in its window).
 * Channels must be checked (sei_signal_channel_check). Shadow and absorption are not in it: sei_microscope_visible,
 * sei_exit_weights. Errors: SEI_ERR_INPUT (a material out of range; one without composition that a HAADF or EDS channel needs),
 * SEI_ERR_ENVIRONMENT.
 */
sei_status sei_signal_coefficients(size_t n_materials, const sei_material *materials, const double *given, size_t n_channels,
                                   const sei_signal_channel *channels, const sei_microscope *microscope,
                                   double *coefficient) SEI_MUST_CHECK;
/* The background's share of a material: bremsstrahlung per nm goes as sum_i N_i Z_i^2 (atoms/nm3). weight[m]. */
sei_status sei_signal_bremsstrahlung(size_t n_materials, const sei_material *materials, double *weight) SEI_MUST_CHECK;
/* ---- exit absorption: src/simulate/absorption.c ---- */

/*
 * Maps of the attenuation coefficient (1/nm) at n photon energies on one coarse grid of cubes of spacing_nm centred like the
 * volume and covering at least size_nm (x, y, z): each cell holds the mean of 4^3 points. maps: n empty volumes
 * (voxel_nm = spacing), sei_volumes or one by one freed by the caller.
 * Errors: SEI_ERR_INPUT (more than 2^24 cells, an energy out of range), SEI_ERR_MEMORY, SEI_ERR_INTERRUPTED.
 */
sei_status sei_attenuation_maps(const sei_specimen *specimen, const double size_nm[3], double spacing_nm, size_t n,
                                const double *energy_kev, sei_volume *maps) SEI_MUST_CHECK;
/*
 * weight[(k*ny + y)*nx + x] of a map: share of what a cell emits that reaches the detectors, shadow in it,
 *     sum_d solid_angle_d visible_d exp(-path_d) / sum_d solid_angle_d,
 * path_d being the integral of the attenuation from the cell's centre to the map's faces towards detector d, exact in the
 * map's cells. Nothing lies outside the map across y, along y its end planes go on; cells more than one away from matter, where
 * nothing emits, get the shadow alone. Exact for a slab whose faces are cells'; the mean over a uniform sphere 24 cells wide is
 * too large by 0.7 % at an optical radius of 1 (0.2 % with 48 cells) and by 0.15 % at 0.2. Cost: cells with matter * detectors *
 * cells on the way out. Same bits for any thread count. Errors: SEI_ERR_INTERRUPTED.
 */
sei_status sei_exit_weights(const sei_volume *map, const sei_microscope *microscope, double tilt_deg,
                            float *weight) SEI_MUST_CHECK;

/* ---- spectra: src/simulate/spectrum.c, spectrum_counts.c ---- */

/* Bin i of an energy axis is centred on first_kev + i*step_kev. */
typedef struct sei_energy_axis {
    int64_t bins; /* 2 to 16384 */
    double first_kev, step_kev;
} sei_energy_axis;

/* 1024 bins of 10 eV from 0. */
void sei_energy_axis_default(sei_energy_axis *axis);
/* SEI_ERR_INPUT: bins, a first energy below -1 keV, a step outside 1e-4 to 1 keV. */
sei_status sei_energy_axis_check(const sei_energy_axis *axis) SEI_MUST_CHECK;
/* Counts of a spectrum between two energies, a bin that is cut counting by its part. */
double sei_spectrum_window(const sei_energy_axis *axis, const double *spectrum, double low_kev, double high_kev);
/*
 * Lines of one element (both families), counts per beam electron and atom/nm2 in every bin: Gaussian lines of width
 * sei_microscope_fwhm_ev, integrated over the bins, times efficiency and solid angle. shape[bins].
 */
sei_status sei_spectrum_lines(const sei_microscope *microscope, int atomic_number, const sei_energy_axis *axis,
                              double *shape) SEI_MUST_CHECK;
/* The net spectrum of a material, counts per beam electron and nm: sum_i N_i lines_i. spectrum[bins]. */
sei_status sei_spectrum_net(const sei_microscope *microscope, const sei_material *material, const sei_energy_axis *axis,
                            double *spectrum) SEI_MUST_CHECK;
/*
 * Bremsstrahlung as the detectors show it: Kramers 1923, photons per energy as (beam - E)/E from 0.1 keV to the beam, times
 * efficiency, broadened like a line; the sum over the axis is 1. shape[bins].
 */
sei_status sei_spectrum_bremsstrahlung(const sei_microscope *microscope, const sei_energy_axis *axis,
                                       double *shape) SEI_MUST_CHECK;

/* Background counts wanted in a window. */
typedef struct sei_spectrum_anchor {
    double low_kev, high_kev;
    double counts;
} sei_spectrum_anchor;

/*
 * Bends a bremsstrahlung shape so that its windows hold the counts wanted: shape[i] *= exp(c(E_i)), c linear between the
 * windows' middles and constant beyond, found by iteration until every window agrees to 1e-6. Windows may touch but their
 * middles must differ. Errors: SEI_ERR_INPUT (a window without shape, counts not above 0, no agreement).
 */
sei_status sei_spectrum_bend(const sei_energy_axis *axis, size_t n, const sei_spectrum_anchor *anchors,
                             double *shape) SEI_MUST_CHECK;

/* Lines that come from elsewhere in the microscope: counts of all lines of the element, as a share of something else's. */
typedef struct sei_stray {
    int atomic_number;
    double share; /* 0 to 1 */
} sei_stray;

/* The stray lines' spectrum for one count of that something: every element's lines scaled to a sum of its share. shape[bins]. */
sei_status sei_spectrum_stray(const sei_microscope *microscope, size_t n, const sei_stray *stray, const sei_energy_axis *axis,
                              double *shape) SEI_MUST_CHECK;

/* A part of a spectrum image: a map times a spectrum. The mean count of pixel p in bin e is sum over parts of image[p]*shape[e].
 */
typedef struct sei_spectrum_part {
    const float *image;  /* [ny][nx], not negative; NULL: 1 everywhere */
    const double *shape; /* [bins], not negative */
} sei_spectrum_part;

/* The mean spectrum of all pixels together: mean[bins]. Sums in pixel order. */
sei_status sei_spectrum_sum(const sei_energy_axis *axis, size_t n, const sei_spectrum_part *parts, int64_t n_pixels,
                            double *mean) SEI_MUST_CHECK;
/* Poisson counts of a mean spectrum: counts[bins]; one stream of random numbers per tilt. */
sei_status sei_spectrum_draw(const double *mean, int64_t bins, uint64_t seed, uint32_t stream, double *counts) SEI_MUST_CHECK;

/*
 * Poisson counts of one row of a spectrum image, counts[nx][bins]. A pixel's number of photons of each part is drawn first,
 * then the bin of each photon, which gives every bin its own Poisson count at the cost of the photons, not of the bins.
 * Depends on seed, stream and pixel only. SEI_ERR_INPUT when a bin passes 65535; SEI_ERR_MEMORY.
 */
typedef struct sei_spectrum_sampler {
    sei_energy_axis axis;
    size_t n;
    sei_spectrum_part *parts;
    double *cumulative; /* [n][bins] */
} sei_spectrum_sampler;
sei_status sei_spectrum_sampler_make(const sei_energy_axis *axis, size_t n, const sei_spectrum_part *parts,
                                     sei_spectrum_sampler *out) SEI_MUST_CHECK;
sei_status sei_spectrum_sample_row(const sei_spectrum_sampler *sampler, int64_t nx, int64_t y, uint64_t seed, uint32_t stream,
                                   uint16_t *counts) SEI_MUST_CHECK;
void sei_spectrum_sampler_free(sei_spectrum_sampler *sampler);

#ifdef __cplusplus
}
#endif
#endif

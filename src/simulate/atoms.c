/* Atoms: what xraylib tabulates, and the cross-section it does not. */
#include <math.h>
#include <string.h>

#include "seitomo/signal.h"

#ifdef SEITOMO_HAVE_XRAYLIB
#include <xraylib.h>
#endif

enum { MOST_ATOMIC_NUMBER = 103 };

static const double RYDBERG_KEV = 0.013605693;
static const double REST_KEV = 510.99895;
static const double BOHR_NM = 0.0529177211;

static const char *const symbols[MOST_ATOMIC_NUMBER + 1] = {
    "",   "H",  "He", "Li", "Be", "B",  "C",  "N",  "O",  "F",  "Ne", "Na", "Mg", "Al", "Si", "P",  "S",  "Cl", "Ar", "K",  "Ca",
    "Sc", "Ti", "V",  "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr", "Rb", "Sr", "Y",  "Zr", "Nb",
    "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I",  "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm",
    "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Hf", "Ta", "W",  "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi",
    "Po", "At", "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U",  "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr"};

const char *sei_atom_symbol(int atomic_number) {
    return atomic_number < 1 || atomic_number > MOST_ATOMIC_NUMBER ? "" : symbols[atomic_number];
}

sei_status sei_atom_number(const char *symbol, int *atomic_number) {
    for (int z = 1; z <= MOST_ATOMIC_NUMBER; ++z) {
        if (strcmp(symbols[z], symbol) != 0) continue;
        *atomic_number = z;
        return SEI_OK;
    }
    return sei_fail(SEI_ERR_INPUT, "'%s' is no element; write symbols as H, Li, Si", symbol);
}

static sei_status check_element(int atomic_number) {
    if (atomic_number >= 1 && atomic_number <= MOST_ATOMIC_NUMBER) return SEI_OK;
    return sei_fail(SEI_ERR_INPUT, "atomic number %d, expected 1 to %d", atomic_number, MOST_ATOMIC_NUMBER);
}

#ifdef SEITOMO_HAVE_XRAYLIB

static const double SOFTEST_KEV = 0.1; /* xraylib's attenuation reaches no lower */

bool sei_atoms_known(void) {
    return true;
}

sei_status sei_atom_weight(int atomic_number, double *g_per_mol) {
    const sei_status status = check_element(atomic_number);
    if (status != SEI_OK) return status;
    const double weight = AtomicWeight(atomic_number, NULL);
    if (!(weight > 0)) {
        return sei_fail(SEI_ERR_INPUT, "%s: xraylib has no atomic weight for it", sei_atom_symbol(atomic_number));
    }
    *g_per_mol = weight;
    return SEI_OK;
}

sei_status sei_atom_attenuation(int atomic_number, double energy_kev, double *cm2_per_g) {
    const sei_status status = check_element(atomic_number);
    if (status != SEI_OK) return status;
    if (!(energy_kev >= SOFTEST_KEV && energy_kev <= 100)) {
        return sei_fail(SEI_ERR_INPUT, "photons of %g keV: attenuation is known from %g to 100 keV", energy_kev, SOFTEST_KEV);
    }
    const double value = CS_Total(atomic_number, energy_kev, NULL);
    if (!(value > 0)) {
        return sei_fail(SEI_ERR_INPUT, "%s: xraylib has no attenuation for it at %g keV", sei_atom_symbol(atomic_number),
                        energy_kev);
    }
    *cm2_per_g = value;
    return SEI_OK;
}

/* A subshell's edge in keV, 0 when the atom has none. */
static double edge_of(int atomic_number, sei_subshell subshell) {
    static const int shells[] = {K_SHELL, L2_SHELL, L3_SHELL};
    return EdgeEnergy(atomic_number, shells[subshell], NULL);
}

/* One line of the table below: the subshell it empties, xraylib's names. */
typedef struct known_line {
    sei_family family;
    sei_subshell subshell;
    int shell, line;
} known_line;

static const known_line known_lines[] = {
    {SEI_FAMILY_K, SEI_SUBSHELL_K, K_SHELL, KA_LINE},     {SEI_FAMILY_K, SEI_SUBSHELL_K, K_SHELL, KB_LINE},
    {SEI_FAMILY_L, SEI_SUBSHELL_L3, L3_SHELL, LA_LINE},   {SEI_FAMILY_L, SEI_SUBSHELL_L2, L2_SHELL, L2M4_LINE},
    {SEI_FAMILY_L, SEI_SUBSHELL_L3, L3_SHELL, L3M1_LINE}, {SEI_FAMILY_L, SEI_SUBSHELL_L2, L2_SHELL, L2M1_LINE}};

/* Energy and photons per vacancy; false when the atom lacks the line or no detector sees it. */
static bool line_of(int atomic_number, const known_line *known, double *energy_kev, double *photons) {
    *energy_kev = LineEnergy(atomic_number, known->line, NULL);
    *photons = FluorYield(atomic_number, known->shell, NULL) * RadRate(atomic_number, known->line, NULL);
    return *energy_kev >= SOFTEST_KEV && *photons > 0;
}

#else

static sei_status unknown(void) {
    return sei_fail(SEI_ERR_ENVIRONMENT,
                    "this library was built without xraylib and knows no element: install libxrl-dev and build "
                    "again, or give the signals of every material");
}

bool sei_atoms_known(void) {
    return false;
}

sei_status sei_atom_weight(int atomic_number, double *g_per_mol) {
    (void)g_per_mol;
    const sei_status status = check_element(atomic_number);
    return status != SEI_OK ? status : unknown();
}

sei_status sei_atom_attenuation(int atomic_number, double energy_kev, double *cm2_per_g) {
    (void)energy_kev, (void)cm2_per_g;
    const sei_status status = check_element(atomic_number);
    return status != SEI_OK ? status : unknown();
}

#endif

static double square(double x) {
    return x * x;
}

/* The formula in seitomo/signal.h. */
static double casnati_nm2(double edge_kev, double beam_kev, double electrons) {
    const double u = beam_kev / edge_kev;
    const double i = edge_kev / REST_KEV;
    const double t = beam_kev / REST_KEV;
    const double psi = pow(edge_kev / RYDBERG_KEV, -0.0318 + 0.3160 / u - 0.1135 / (u * u));
    const double phi = 10.57 * exp(-1.736 / u + 0.317 / (u * u));
    const double bracket = (i + t) * (2 + t) * square(1 + i) / (t * (2 + t) * square(1 + i) + i * (2 + i));
    const double f = (2 + i) / (2 + t) * square((1 + t) / (1 + i)) * pow(bracket, 1.5);
    return electrons * square(BOHR_NM * RYDBERG_KEV / edge_kev) * f * psi * phi * log(u) / u;
}

sei_status sei_atom_ionisation(int atomic_number, sei_subshell subshell, double beam_kev, double *nm2) {
    static const double electrons[] = {2, 2, 4};
    static const char *const names[] = {"K", "L2", "L3"};
    const sei_status status = check_element(atomic_number);
    if (status != SEI_OK) return status;
    if (!(beam_kev >= 1 && beam_kev <= 1000)) {
        return sei_fail(SEI_ERR_INPUT, "a beam of %g keV, expected 1 to 1000", beam_kev);
    }
#ifdef SEITOMO_HAVE_XRAYLIB
    const double edge = edge_of(atomic_number, subshell);
    if (!(edge > 0)) {
        return sei_fail(SEI_ERR_INPUT, "%s has no inner shell %s", sei_atom_symbol(atomic_number), names[subshell]);
    }
    *nm2 = beam_kev > edge ? casnati_nm2(edge, beam_kev, electrons[subshell]) : 0;
    return SEI_OK;
#else
    (void)electrons, (void)names, (void)subshell, (void)nm2, (void)casnati_nm2;
    return unknown();
#endif
}

sei_status sei_atom_lines(int atomic_number, sei_family family, double beam_kev, sei_line lines[SEI_MAX_LINES], size_t *count) {
    sei_status status = check_element(atomic_number);
    if (status != SEI_OK) return status;
#ifdef SEITOMO_HAVE_XRAYLIB
    size_t found = 0;
    for (size_t k = 0; k < sizeof known_lines / sizeof known_lines[0]; ++k) {
        const known_line *known = &known_lines[k];
        double energy = 0;
        double photons = 0;
        double ionisation = 0;
        if (known->family != family || !line_of(atomic_number, known, &energy, &photons)) continue;
        status = sei_atom_ionisation(atomic_number, known->subshell, beam_kev, &ionisation);
        if (status != SEI_OK) return status;
        if (ionisation > 0) lines[found++] = (sei_line){energy, ionisation * photons};
    }
    *count = found;
    return SEI_OK;
#else
    (void)family, (void)beam_kev, (void)lines, (void)count;
    return unknown();
#endif
}

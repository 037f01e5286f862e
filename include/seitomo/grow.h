/*
 * grow: a nanowire described in words and numbers -> a voxel specimen with its truth. Everything random comes from Philox
 * counters of the seed and is made with + - * / sqrt, so the voxels are the same bits for any number of threads, and the
 * outside of a wire does not change when only its inside is described anew.
 */
#ifndef SEITOMO_GROW_H
#define SEITOMO_GROW_H

#include "seitomo/specimen.h"
#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a voxel of a grown specimen can be; a description says which material each of them is. */
typedef enum sei_grow_role {
    SEI_GROW_SILICON = 0,
    SEI_GROW_SEI,
    SEI_GROW_OXIDE,
    SEI_GROW_CLOSED_VOID,
    SEI_GROW_OPEN_VOID,
    SEI_GROW_SUPPORT,
    SEI_GROW_ROLES
} sei_grow_role;

enum { SEI_GROW_MAX_ROUGHNESS = 4, SEI_GROW_MAX_SPHERES = 32, SEI_GROW_MAX_BARS = 16 };

/*
 * A smooth random field: Gaussian values of mean 0 and standard deviation sd_nm with the autocorrelation
 * exp(-(distance/length_nm)^2), made by smoothing white noise with a Gaussian of sigma length_nm/2. Over a specimen the
 * field is centred and scaled, so that its mean and standard deviation are what was asked for, not a draw of them.
 */
typedef struct sei_grow_field {
    double sd_nm;
    double length_nm;
} sei_grow_field;

/* Closed pores in the core: ellipsoids with dents, apart from each other and from the core's surface. */
typedef struct sei_grow_pores {
    int64_t count;       /* so many, or (count 0) */
    double fraction;     /* as many as fill this share of the core's volume, 0 to 0.5; both 0: none */
    double radius_nm;    /* mean of the radius of equal volume */
    double radius_sd_nm; /* normal, cut at 0.4 and 2 times the mean */
    double depth_nm[2];  /* of the centre below the core's surface, from, to; to 0: as deep as the core is */
    double aspect;       /* long half axis to the short ones, 1 to 4; 0: 1. In a random direction */
    double irregularity; /* 0 to 0.5: dents, relative to the radius */
    double lining_nm;    /* the outermost so much of a pore is SEI */
} sei_grow_pores;

/* Channels that wind from the outer surface into the core. */
typedef struct sei_grow_channels {
    int64_t count;
    double width_nm;    /* the open width, tapering to 0.6 of it at the inner end */
    double depth_nm;    /* of the inner end below the core's surface: mean */
    double depth_sd_nm; /* and standard deviation, cut at half and one and a half of the mean */
    double lining_nm;   /* SEI around the open width, within the core */
    double filled;      /* share of the channels that SEI fills (from the first on), 0 to 1; they do not pierce the shell */
    double tortuosity;  /* 0: straight, 1: turns by about a radian over three widths */
} sei_grow_channels;

/* The core as a plum pudding: silicon domains, parted by walls of SEI, joined by necks through some of the walls. */
typedef struct sei_grow_mixture {
    double si_fraction;     /* silicon's share of the core's solid; 0: no mixture, the core is silicon */
    double si_connectivity; /* share of all silicon in its largest piece (26-connected), 0: no necks at all */
    double domain_nm;       /* mean distance between domains */
    double neck_nm;         /* radius of a neck; 0: 0.2 of domain_nm */
    double irregularity;    /* 0 to 1: bent domains instead of polyhedra */
    double gradient;        /* 0 to 1: how much more SEI there is near the wire's surface than deep inside */
} sei_grow_mixture;

/* Carbon under the wire, where the beam comes to it last and no detector looks through it: a film, or a lacey one, whose near
 * face lies gap_nm beyond the wire's farthest point along z (beyond z = 0 without a wire). It runs to the volume's faces, or is
 * width_nm wide along x. */
typedef struct sei_grow_support {
    double thickness_nm; /* 0: none */
    double gap_nm;       /* negative: the wire sinks in */
    double width_nm;     /* 0: to the faces */
    double hole_nm;      /* mean distance between a lacey film's holes; 0: a film without holes */
    double strand_nm;    /* width of its strands */
} sei_grow_support;

/* Isolated spheres in the vacuum beside the wire, for elongation. */
typedef struct sei_grow_spheres {
    int64_t count;
    double radius_nm;
    double gap_nm; /* at least so much vacuum around each */
    int material;
    bool placed; /* the one sphere stands at centre_nm; else places are drawn within the cylinder seen at every tilt */
    double centre_nm[3];
} sei_grow_spheres;

/* Groups of bars, one group a spacing, side by side along y. A bar is half a spacing thick along `along`. */
typedef struct sei_grow_bars {
    size_t n_spacings;
    double spacing_nm[SEI_GROW_MAX_BARS];
    int64_t bars;     /* in a group */
    double length_nm; /* of a bar, along y and along the third direction */
    char along;       /* 'x' or 'z': the direction the bars follow one another in */
    int material;
    double centre_nm[3];
} sei_grow_bars;

/*
 * The description. Lengths in nm from the volume's centre. A zeroed member means that there is none of it. The wire runs
 * along y through both faces of the volume.
 */
typedef struct sei_grow {
    int material[SEI_GROW_ROLES]; /* index into the materials; -1: there is none (refused where one is needed) */
    double radius_nm;             /* of the silicon core's circle of equal area; 0: no wire */
    double oval;                  /* ratio of the section's axes, 1 to 3; 0: 1 */
    double oval_deg;              /* direction of the long axis, from x towards z */
    double centre_nm[2];          /* x, z of the centre line's mean */
    sei_grow_field wobble;        /* of the centre line along y, for x and z each */
    size_t n_roughness;
    sei_grow_field roughness[SEI_GROW_MAX_ROUGHNESS]; /* of the core's surface; distances along the surface */
    double shell_nm;                                  /* mean thickness of the SEI, along the radius */
    sei_grow_field shell;                             /* its variation; a thickness below 0 counts as 0 */
    int64_t lumps;                                    /* Gaussian heaps on the shell */
    double lump_height_nm, lump_width_nm;             /* at most, each from half of it; standard deviation across */
    double oxide_nm;                                  /* on the silicon's surface, below the SEI */
    sei_grow_pores pores;
    sei_grow_channels channels;
    sei_grow_mixture mixture;
    sei_grow_support support;
    size_t n_spheres;
    sei_grow_spheres spheres[SEI_GROW_MAX_SPHERES];
    sei_grow_bars bars;
    double
        closing_nm;  /* of the envelope that tells open void from the outside, as in seitomo/segment.h, up to 100 voxels; 0: 10 */
    bool empty_core; /* the null twin: SEI in the core becomes void, all else stays where it is */
} sei_grow;

/* A grown specimen. Release with sei_grown_free. */
typedef struct sei_grown {
    int64_t nx, ny, nz;
    double voxel_nm;
    uint8_t *voxels; /* [nz][ny][nx], indices of materials */
    sei_numbers numbers;
} sei_grown;

/*
 * Grows the description into nx * ny * nz voxels of edge voxel_nm.
 *
 * The core's surface stands at the ellipse's radius plus the roughness fields, oxide, then the shell on it, all along the
 * radius from the centre line. Pores, channels and the mixture come into the core in this order, each without moving what
 * came before. The mixture's domains are the cells of a jittered grid of seeds, bent by a smooth field; a wall's
 * thickness follows from si_fraction, and the set of walls that have a neck, drawn in random order, from si_connectivity:
 * both are adjusted until the voxels measure (core/components) si_fraction to 0.01 and si_connectivity to 0.03.
 * Pieces of silicon of fewer than 27 voxels become SEI.
 * Empty voxels in the envelope of Si and SEI (closed by closing_nm, holes filled) are void, open when they reach the
 * outside through faces: the rule of seitomo/segment.h, on the same code. Emptiness on the wire's surface that is narrower
 * than two voxels stays outside.
 *
 * numbers (measured on what was grown; NaN where there is nothing to measure):
 *   grown_core_radius_mean, grown_core_radius_sd, grown_shell_mean, grown_shell_sd   nm, along the radius, over the
 *       surface (the sd of the radius without the ellipse's part)
 *   grown_pores, grown_channels   how many
 *   grown_pore_fraction     the pores' share of the core, their lining with them
 *   grown_si_fraction_in_core, grown_sei_fraction_in_core, grown_void_fraction_in_core   of the core's volume
 *   grown_si_fraction       of the mixture's solid
 *   grown_si_connectivity   share of the wire's silicon in its largest piece
 * Errors: SEI_ERR_INPUT (a value out of range; a role without a material; a void with a density; the wire, or a sphere or
 * bar, reaching out of the volume sideways, with the numbers; pores, spheres or a connectivity that find no place, with
 * what was reached), SEI_ERR_MEMORY, SEI_ERR_INTERRUPTED. out is untouched then.
 * Cost: O(voxels near the wire); memory about 30 bytes per voxel of the wire's box.
 */
sei_status sei_grow_specimen(const sei_grow *description, size_t n_materials, const sei_material *materials, int64_t nx,
                             int64_t ny, int64_t nz, double voxel_nm, uint64_t seed, sei_grown *out) SEI_MUST_CHECK;

/*
 * A label volume as a specimen: material_of[label] is the index of a material. Errors: SEI_ERR_INPUT (no voxel size; a
 * label in the volume without a material (-1), with its number of voxels; an index beyond the materials), SEI_ERR_MEMORY.
 */
sei_status sei_grow_from_labels(const sei_labels *labels, const int material_of[256], size_t n_materials,
                                const sei_material *materials, sei_grown *out) SEI_MUST_CHECK;

/*
 * The specimen goes on beyond the faces across y: `rows` more rows of voxels at either end (0 up to ny), the mirror images
 * of those within, so that an image which drifts or is turned shows more wire there and no cut end, whose edge alignment
 * would find. Nothing within changes, nor do the numbers. Errors: SEI_ERR_INPUT (rows out of range), SEI_ERR_MEMORY;
 * grown is untouched then.
 */
sei_status sei_grown_continue(sei_grown *grown, int64_t rows) SEI_MUST_CHECK;

/* The specimen over grown's voxels and the materials, both borrowed. */
sei_specimen sei_grown_specimen(const sei_grown *grown, size_t n_materials, const sei_material *materials);
void sei_grown_free(sei_grown *grown);

#ifdef __cplusplus
}
#endif
#endif

/* Specimens for tests of path lengths: bodies, and the same on voxels, told by their own inequalities. */
#ifndef SEI_TESTS_SPECIMENS_H
#define SEI_TESTS_SPECIMENS_H

#include "seitomo/specimen.h"

enum { TEST_MATERIALS = 4 }; /* vacuum, silicon, SEI, pore */

/* A body given for a field of edge 1. */
sei_body test_sized(sei_body body, double side_nm);
/* A piece without any symmetry, of two materials, with a pore. */
void test_chiral(double side_nm, sei_body bodies[4]);
/* n^3 voxels that cover side_nm: the last body that holds a voxel's centre, pores in matter only. sei_free it. */
uint8_t *test_voxels_of(const sei_body *bodies, int n_bodies, int n, double side_nm);

sei_specimen test_of_bodies(const sei_body *bodies, int n);
sei_specimen test_of_voxels(const uint8_t *voxels, int n, double side_nm);

/* Path lengths, [TEST_MATERIALS][ny][nx]; sei_free them. */
float *test_paths_of(const sei_specimen *specimen, const sei_view *view, const sei_weight_grid *weight);
double test_sum_of(const float *values, int64_t n);

#endif

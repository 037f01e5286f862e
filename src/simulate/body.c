#include "simulate/body.h"

#include <math.h>

/* Half axes of the body's section at height y above its centre; false where the plane misses it. */
static bool section(const sei_body *body, double y, double half[2]) {
    half[0] = body->half_nm[0];
    half[1] = body->half_nm[2];
    if (body->shape == SEI_SHAPE_CYLINDER) return body->half_nm[1] <= 0 || fabs(y) <= body->half_nm[1];
    if (body->shape == SEI_SHAPE_BOX) return fabs(y) <= body->half_nm[1];
    const double t = y / body->half_nm[1];
    const double shrink2 = 1 - t * t;
    if (shrink2 <= 0) return false;
    half[0] *= sqrt(shrink2);
    half[1] *= sqrt(shrink2);
    return true;
}

/* Vector (x, z) in the body's own axes; rotation counts from x towards z. */
static void to_body(const sei_solid *solid, double x, double z, double own[2]) {
    own[0] = x * solid->cosine + z * solid->sine;
    own[1] = z * solid->cosine - x * solid->sine;
}

/* |p + s*q| <= h along one axis of a box: narrows [enter, leave]. */
static bool between_faces(double p, double q, double h, double *enter, double *leave) {
    if (q == 0) return fabs(p) <= h;
    const double a = (-h - p) / q;
    const double b = (h - p) / q;
    *enter = fmax(*enter, fmin(a, b));
    *leave = fmin(*leave, fmax(a, b));
    return *enter < *leave;
}

bool sei_solid_chord(const sei_solid *solid, const sei_ray *ray, double *enter, double *leave) {
    const sei_body *body = solid->body;
    double half[2];
    double p[2];
    double q[2];
    if (!section(body, ray->y - body->centre_nm[1], half)) return false;
    to_body(solid, ray->x0 - body->centre_nm[0], ray->z0 - body->centre_nm[2], p);
    to_body(solid, ray->dx, ray->dz, q);
    if (body->shape == SEI_SHAPE_BOX) {
        *enter = -INFINITY;
        *leave = INFINITY;
        return between_faces(p[0], q[0], half[0], enter, leave) && between_faces(p[1], q[1], half[1], enter, leave);
    }
    /* (p0 + s q0)^2/a^2 + (p1 + s q1)^2/b^2 = 1 */
    const double a2 = half[0] * half[0];
    const double b2 = half[1] * half[1];
    const double square = q[0] * q[0] / a2 + q[1] * q[1] / b2;
    const double mixed = p[0] * q[0] / a2 + p[1] * q[1] / b2;
    const double constant = p[0] * p[0] / a2 + p[1] * p[1] / b2 - 1;
    const double discriminant = mixed * mixed - square * constant;
    if (!(discriminant > 0)) return false;
    const double root = sqrt(discriminant);
    *enter = (-mixed - root) / square;
    *leave = (-mixed + root) / square;
    return true;
}

bool sei_solid_holds(const sei_solid *solid, double x, double y, double z) {
    const sei_body *body = solid->body;
    double half[2];
    double own[2];
    if (!section(body, y - body->centre_nm[1], half)) return false;
    to_body(solid, x - body->centre_nm[0], z - body->centre_nm[2], own);
    if (body->shape == SEI_SHAPE_BOX) return fabs(own[0]) <= half[0] && fabs(own[1]) <= half[1];
    const double u = own[0] / half[0];
    const double v = own[1] / half[1];
    return u * u + v * v <= 1;
}

/* A flat extent: |p| against h. */
static int flat_side(double p, double h, double radius) {
    return fabs(p) + radius < h ? 1 : fabs(p) - radius > h ? -1 : 0;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* The length of a vector in half axes changes by at most the way over the smallest half axis. */
int sei_solid_side(const sei_solid *solid, double x, double y, double z, double radius) {
    const sei_body *body = solid->body;
    const double *half = body->half_nm;
    const double up = y - body->centre_nm[1];
    double own[2];
    to_body(solid, x - body->centre_nm[0], z - body->centre_nm[2], own);
    const double u = own[0] / half[0], v = own[1] / half[2];
    switch (body->shape) {
        case SEI_SHAPE_BOX:
            return smaller(flat_side(up, half[1], radius),
                           smaller(flat_side(own[0], half[0], radius), flat_side(own[1], half[2], radius)));
        case SEI_SHAPE_CYLINDER: {
            const int round = flat_side(sqrt(u * u + v * v), 1, radius / solid->narrowest);
            return half[1] <= 0 ? round : smaller(round, flat_side(up, half[1], radius));
        }
        default: {
            const double w = up / half[1];
            return flat_side(sqrt(u * u + v * v + w * w), 1, radius / solid->narrowest);
        }
    }
}

sei_solid sei_solid_of(const sei_body *body, bool is_void) {
    const double angle = body->rotation_deg * 3.14159265358979323846 / 180;
    const double *half = body->half_nm;
    const bool endless = body->shape == SEI_SHAPE_CYLINDER && half[1] <= 0;
    sei_solid solid = {
        .body = body,
        .cosine = cos(angle),
        .sine = sin(angle),
        .reach = body->shape == SEI_SHAPE_BOX ? hypot(half[0], half[2]) : fmax(half[0], half[2]),
        .half_height = endless ? INFINITY : half[1],
        .narrowest = body->shape == SEI_SHAPE_ELLIPSOID ? fmin(half[1], fmin(half[0], half[2])) : fmin(half[0], half[2]),
        .is_void = is_void};
    return solid;
}

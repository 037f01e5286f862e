/* Inside simulate: one stream of random numbers per purpose, so that no two purposes share a draw. */
#ifndef SEI_SIMULATE_STREAMS_H
#define SEI_SIMULATE_STREAMS_H

/* Counts add their channel's index. The operator expose draws counts and noise from one stream. */
enum {
    SEI_STREAM_DRIFT = 1,
    SEI_STREAM_HOT = 2,
    SEI_STREAM_ANGLE = 3,
    SEI_STREAM_WALK = 4,
    SEI_STREAM_SMEAR = 5,
    SEI_STREAM_MISSING = 6,
    SEI_STREAM_DEAD = 7,
    SEI_STREAM_COUNTS = 100,
    SEI_STREAM_SPECTRA = 1000
};

#endif

/* Inside io: the steps of reading a tilt series, from files to one series. */
#ifndef SEI_IO_SERIES_H
#define SEI_IO_SERIES_H

#include "io/angles.h"
#include "io/formats.h"

/* One input file of a series: what was asked of it, what it holds, where its angles come from. */
typedef struct sei_source {
    const char *path;           /* points into the caller's argument */
    char name[SEI_NAME_LENGTH]; /* from NAME=FILE, else "" */
    const sei_format *format;
    sei_stacks stacks;     /* headers first, then with data */
    sei_angle_table table; /* the side file's, count 0 when there is none */
    char table_source[SEI_TEXT_LENGTH];
    bool skipped; /* no channel of it is wanted */
} sei_source;

/* Splits "NAME=PATH"; a file that exists under the whole text is a path. */
void sei_source_split(const char *argument, char name[SEI_NAME_LENGTH], const char **path);

/* A channel's name when its file gives none: the file's name without folder, extension and a leading "EDS_" or "EDX_". */
void sei_channel_name_of_path(const char *path, char name[SEI_NAME_LENGTH]);
/* "grey" for HAADF, BF, DF and the like, "counts" for other whole numbers, else "". */
const char *sei_unit_of(const char *channel, sei_dtype stored);

/* Resolves angles, pixel size and axis of one file by the order of precedence and makes a sorted series of its stacks. */
sei_status sei_series_from_source(const sei_read_options *options, sei_source *source, const sei_source *lender,
                                  sei_series *out) SEI_MUST_CHECK;

/* Adds a file to what options->inputs keeps, once for one content of one name. */
sei_status sei_note_input(const sei_read_options *options, const char *path) SEI_MUST_CHECK;

/* The name of a mask beside a channel's file, or NULL: NAME.valid.mrc, also without a trailing "_CHANNEL". */
sei_status sei_mask_beside(const char *path, const char *channel, char **out) SEI_MUST_CHECK;

#endif

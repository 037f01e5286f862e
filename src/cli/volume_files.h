/* Volumes named on the command line: "FILE" (every volume in it) or "NAME=FILE" (the one in it, under that name). */
#ifndef SEI_CLI_VOLUME_FILES_H
#define SEI_CLI_VOLUME_FILES_H

#include "cli/cli.h"

/* The path of "NAME=PATH", or the whole word; points into it. A '=' after a '/' belongs to the path. */
const char *sei_cli_volume_path(const char *word);

/*
 * Reads all, keeps and renames those that --channels names (NAME or NAME=NAME_IN_FILE; none given: all), and adds each file
 * to the provenance. *out is the caller's: sei_volumes_free. SEI_ERR_INPUT: a channel asked for is not there, or two
 * volumes carry one name.
 */
sei_status sei_cli_read_volumes(const sei_common *common, size_t n_files, const char *const *files, sei_provenance *provenance,
                                sei_volume **out, size_t *n) SEI_MUST_CHECK;

#endif

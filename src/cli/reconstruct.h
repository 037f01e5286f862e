/* The work behind the verb reconstruct, apart from its words. */
#ifndef SEI_CLI_RECONSTRUCT_H
#define SEI_CLI_RECONSTRUCT_H

#include "cli/cli.h"
#include "seitomo/recon.h"

enum { SEI_CLI_MAX_BINS = 64 };

typedef struct sei_cli_reconstruct {
    sei_common common;
    sei_cli_files files;
    sei_recon_options recon;
    double depth; /* 0: as x */
    bool depth_is_nm;
    const char *background, *support, *history;
    const char *support_from; /* the channel it is to be found from; NULL: support is a file */
    const char *wbp_option, *sirt_option, *osem_option, *iterative_option; /* the last given that only such methods know */
    size_t n_starts;
    struct {
        const char *channel, *path; /* "": every channel */
    } starts[SEI_CLI_MAX_BINS];
    int bin;
    size_t n_bins;
    struct {
        const char *channel;
        int bin;
    } bins[SEI_CLI_MAX_BINS];
} sei_cli_reconstruct;

/* Before anything is read: whether the outputs could be written. */
sei_status sei_cli_reconstruct_check_targets(const sei_cli_reconstruct *o) SEI_MUST_CHECK;
/* What can be known to be wrong once the series is read: binned channels that do not exist, one file for many channels. */
sei_status sei_cli_reconstruct_check(const sei_cli_reconstruct *o, const sei_series *series) SEI_MUST_CHECK;
/* SEI_ERR_MEMORY when series, volumes and the narrowest slab do not fit into --memory. */
sei_status sei_cli_reconstruct_check_memory(const sei_cli_reconstruct *o, sei_device *device,
                                            const sei_series *series) SEI_MUST_CHECK;
/* Says memory, slabs, disk and time, after timing some slices of every geometry. */
sei_status sei_cli_reconstruct_plan(const sei_cli_reconstruct *o, sei_device *device, const sei_series *series) SEI_MUST_CHECK;
/* Bins and reconstructs all channels, those of one binning together: volumes and reports [n_channels], empty before. */
sei_status sei_cli_reconstruct_all(const sei_cli_reconstruct *o, sei_device *device, const sei_series *series,
                                   sei_volume *volumes, sei_recon_report *reports) SEI_MUST_CHECK;
/* Adds what was done to a provenance that holds the inputs of the series. */
sei_status sei_cli_reconstruct_provenance(const sei_cli_reconstruct *o, const sei_device *device,
                                          sei_provenance *out) SEI_MUST_CHECK;
/* Volumes to one .emd, or to one .mrc or .tif each; the histories to a table. */
sei_status sei_cli_reconstruct_write(const sei_cli_reconstruct *o, size_t n, sei_volume *volumes, const sei_recon_report *reports,
                                     sei_provenance *provenance) SEI_MUST_CHECK;

#endif

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
    const char *wbp_option, *sirt_option; /* the last one given that only this method knows */
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
/* Of --memory what series, volumes and the copies of one channel leave goes to the slab. SEI_ERR_MEMORY: not even one slice. */
sei_status sei_cli_reconstruct_share_memory(sei_cli_reconstruct *o, sei_device *device, const sei_series *series) SEI_MUST_CHECK;
/* Says memory, disk and time, after timing sixteen slices of the first channel's geometry. */
sei_status sei_cli_reconstruct_plan(const sei_cli_reconstruct *o, sei_device *device, const sei_series *series) SEI_MUST_CHECK;
/* Bins and reconstructs one channel. */
sei_status sei_cli_reconstruct_channel(const sei_cli_reconstruct *o, sei_device *device, const sei_series *series, size_t channel,
                                       sei_volume *volume, sei_recon_report *report) SEI_MUST_CHECK;
/* Adds what was done to a provenance that holds the inputs of the series. */
sei_status sei_cli_reconstruct_provenance(const sei_cli_reconstruct *o, const sei_device *device,
                                          sei_provenance *out) SEI_MUST_CHECK;
/* Volumes to one .emd, or to one .mrc or .tif each; the histories to a table. */
sei_status sei_cli_reconstruct_write(const sei_cli_reconstruct *o, size_t n, sei_volume *volumes, const sei_recon_report *reports,
                                     sei_provenance *provenance) SEI_MUST_CHECK;

#endif

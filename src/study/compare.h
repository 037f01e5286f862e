/* Inside compare: the work at hand, its columns, and what it writes. */
#ifndef SEI_STUDY_COMPARE_H
#define SEI_STUDY_COMPARE_H

#include "seitomo/study.h"

enum {
    SEI_COMPARE_METHOD = 0,
    SEI_COMPARE_AUTOCORRELATION,
    SEI_COMPARE_MOMENTS,
    SEI_COMPARE_MOMENTS_SD,
    SEI_COMPARE_OBJECTS,
    SEI_COMPARE_THEORY,
    SEI_COMPARE_RESIDUAL,
    SEI_COMPARE_LIKELIHOOD,
    SEI_COMPARE_RMSE,
    SEI_COMPARE_SCALE,
    SEI_COMPARE_COLUMNS
};
extern const char *const sei_compare_columns[SEI_COMPARE_COLUMNS];

typedef struct sei_compare_work {
    sei_device *device;
    const sei_compare_options *options;
    const char *folder;
    size_t n_methods;
    const sei_method *methods;
    char channel[SEI_NAME_LENGTH], file_name[SEI_NAME_LENGTH];
    int64_t pad;       /* pixels of it on each side, binned */
    sei_series series; /* the one channel, binned and padded */
} sei_compare_work;

/* Nothing may be in the way of any file, before anything is computed; makes the folders. */
sei_status sei_compare_check_targets(const sei_compare_work *work) SEI_MUST_CHECK;
/* METHOD/CHANNEL.mrc, METHOD/history.csv, METHOD/xz.png, METHOD/xy.png */
sei_status sei_compare_write_volume(const sei_compare_work *work, size_t index, const sei_volume *volume,
                                    const sei_recon_report *report) SEI_MUST_CHECK;
/* compare.csv, compare.json, the side-by-side pictures, report.html */
sei_status sei_compare_write_summary(const sei_compare_work *work, const sei_table *table) SEI_MUST_CHECK;

#endif

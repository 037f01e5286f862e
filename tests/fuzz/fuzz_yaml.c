/* No recipe or specimen crashes, leaks or takes long: whatever is not right is refused as an input with a line about it. */
#include "bytes_as_file.h"
#include "seitomo/study.h"
#include "study/simulation_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char path[64];
    const int fd = bytes_as_file(bytes, count, path);
    sei_recipe *recipe = NULL;
    char *resolved = NULL;
    sei_simulation_file specimen = {0};
    sei_status status = sei_recipe_load(path, 0, NULL, &recipe, &resolved);
    if (status != SEI_OK && (status != SEI_ERR_INPUT || sei_last_error()[0] == 0)) abort();
    if ((status == SEI_OK) != (recipe != NULL && resolved != NULL)) abort();
    sei_recipe_free(recipe);
    sei_recipe_text_free(resolved);
    status = sei_simulation_file_read(path, 0, NULL, &specimen);
    if (status != SEI_OK && (status != SEI_ERR_INPUT || sei_last_error()[0] == 0)) abort();
    sei_simulation_file_free(&specimen);
    close(fd);
    return 0;
}

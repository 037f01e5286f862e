/* cuFFT plans, kept from call to call: making one costs far more than running it. */
#include "device.cuh"

static void free_plan(sei_cuda_plan *plan) {
    if (plan->n == 0) return;
    (void)cufftDestroy(plan->forward);
    (void)cufftDestroy(plan->backward);
    plan->n = 0;
}

sei_status sei_cuda_plans(sei_cuda_device *device, int rows, int n, int batch, const sei_cuda_plan **out) {
    for (int i = 0; i < SEI_CUDA_PLANS; ++i) {
        const sei_cuda_plan *plan = &device->plans[i];
        if (plan->n == n && plan->rows == rows && plan->batch == batch) {
            *out = plan;
            return SEI_OK;
        }
    }
    sei_cuda_plan *plan = &device->plans[device->next_plan];
    free_plan(plan);
    device->next_plan = (device->next_plan + 1) % SEI_CUDA_PLANS;
    int real[2] = {rows, n}, half[2] = {rows, n / 2 + 1};
    if (rows > 1) {
        SEI_CUFFT_TRY(device, cufftPlanMany(&plan->forward, 2, real, nullptr, 1, 0, nullptr, 1, 0, CUFFT_R2C, 1));
    } else {
        /* element k of row r lies at k*batch + r: rows side by side, as slices lie in a sinogram */
        SEI_CUFFT_TRY(device,
                      cufftPlanMany(&plan->forward, 1, real + 1, real + 1, batch, 1, half + 1, batch, 1, CUFFT_R2C, batch));
    }
    const cufftResult result =
        rows > 1 ? cufftPlanMany(&plan->backward, 2, real, nullptr, 1, 0, nullptr, 1, 0, CUFFT_C2R, 1)
                 : cufftPlanMany(&plan->backward, 1, real + 1, half + 1, batch, 1, real + 1, batch, 1, CUFFT_C2R, batch);
    if (result != CUFFT_SUCCESS) {
        (void)cufftDestroy(plan->forward);
        return sei_cufft_failed(device, result, "cufftPlanMany");
    }
    plan->rows = rows;
    plan->n = n;
    plan->batch = batch;
    *out = plan;
    return SEI_OK;
}

void sei_cuda_plans_free(sei_cuda_device *device) {
    for (int i = 0; i < SEI_CUDA_PLANS; ++i) free_plan(&device->plans[i]);
}

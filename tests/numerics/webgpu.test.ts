/** Everything on WebGPU in one process: starting a device and compiling its kernels takes longer than most of these tests. */
import './gpu/curves.ts';
import './gpu/dropout.ts';
import './gpu/failure.ts';
import './gpu/gemm.ts';
import './gpu/golden.ts';
import './gpu/gram.ts';
import './gpu/losses.ts';
import './gpu/memory.ts';
import './gpu/model.ts';
import './gpu/models.ts';

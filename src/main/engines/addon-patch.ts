/**
 * The changes made to the C++ source of @tensorflow/tfjs-node-gpu 4.22.0 before it is compiled, on every platform:
 * 1. A new tensor copies its typed array. The original shares the memory and lets TensorFlow release the JavaScript
 *    reference on any thread, which Node-API forbids; devices that work asynchronously (Metal) release it late.
 * 2. A device plugin (tensorflow-metal), where the build names one, is loaded before the context that lists the devices.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NextvecError } from '#shared/domain/errors.ts';

interface Replacement {
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

const SHARED_TENSOR = `  TF_AutoTensor tensor(TF_NewTensor(dtype, shape, shape_length, array_data,
                                    byte_size, DeallocTensor, auto_ref));
`;
const COPIED_TENSOR = `  TF_AutoTensor tensor(
      TF_AllocateTensor(dtype, shape, shape_length, byte_size));
  memcpy(TF_TensorData(tensor.tensor), array_data, byte_size);
`;

const REFERENCE = `  NapiAutoRef *auto_ref = new NapiAutoRef();
  nstatus = auto_ref->Init(env, array_value);
  if (nstatus != napi_ok) {
    delete auto_ref;
  }
  ENSURE_NAPI_OK_RETVAL(env, nstatus, nullptr);
`;

const FAILED_HANDLE = `    delete auto_ref;
    TFE_DeleteTensorHandle(tfe_tensor_handle);
`;

const CONTEXT = `  TFE_ContextOptions *tfe_options = TFE_NewContextOptions();
`;

/** `NEXTVEC_DEVICE_PLUGIN`: path of the plugin, relative to the folder of the addon. */
const BEFORE_CONTEXT = `#ifdef NEXTVEC_DEVICE_PLUGIN
  Dl_info addon;
  if (dladdr(reinterpret_cast<void *>(&TFJSBackend::Create), &addon) != 0) {
    const std::string file(addon.dli_fname);
    const std::string plugin =
        file.substr(0, file.rfind('/') + 1) + NEXTVEC_DEVICE_PLUGIN;
    TF_LoadPluggableDeviceLibrary(plugin.c_str(), tf_status.status);
    if (TF_GetCode(tf_status.status) != TF_OK) {
      NAPI_THROW_ERROR(env, "The device plugin did not load: %s",
                       TF_Message(tf_status.status));
    }
  }
#endif
`;

const INCLUDES = `#include "napi_auto_ref.h"
`;
const MORE_INCLUDES = `#ifdef NEXTVEC_DEVICE_PLUGIN
#include <dlfcn.h>
#include "tensorflow/c/c_api_experimental.h"
#endif
`;

export const BACKEND_PATCH: readonly Replacement[] = [
  { find: INCLUDES, replace: INCLUDES + MORE_INCLUDES },
  { find: REFERENCE, replace: '' },
  { find: SHARED_TENSOR, replace: COPIED_TENSOR },
  { find: FAILED_HANDLE, replace: '    TFE_DeleteTensorHandle(tfe_tensor_handle);\n' },
  { find: CONTEXT, replace: BEFORE_CONTEXT + CONTEXT },
];

/** Patches `binding/tfjs_backend.cc` below `addonFolder`. Throws where the source is not the one the patch was made for. */
export async function patchAddon(addonFolder: string): Promise<void> {
  const file = join(addonFolder, 'binding', 'tfjs_backend.cc');
  let source = await readFile(file, 'utf8');
  for (const { find, replace } of BACKEND_PATCH) {
    const parts = source.split(find);
    if (parts.length !== 2) {
      throw new NextvecError(
        'ENGINE_UNAVAILABLE',
        `${file} is not the source that the patch of this version was made for.`,
        {
          remedy: 'Install again without --from for the addon.',
        },
      );
    }
    source = parts.join(replace);
  }
  await writeFile(file, source);
}

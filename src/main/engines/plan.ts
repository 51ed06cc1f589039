/**
 * What an installation of TensorFlow consists of on each platform: pinned files with their hashes, what is taken out of
 * them, and how the addon is linked. Not here: where the files come from.
 */
import { NextvecError } from '#shared/domain/errors.ts';

/** A file of a package index (`wheel`) or of an npm registry (`npm`). */
export interface Artefact {
  readonly kind: 'wheel' | 'npm';
  /** Name of the project or package. */
  readonly project: string;
  readonly version: string;
  readonly file: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** A member of a wheel and its place in the installed folder. */
export interface Extract {
  readonly member: string;
  readonly to: string;
}

export interface TensorflowPlan {
  readonly platform: string;
  /** TensorFlow's C library and headers. */
  readonly library: Artefact;
  /** C++ source of the addon and the JavaScript of its backend. */
  readonly addon: Artefact;
  /** Headers of Node-API. */
  readonly headers: Artefact;
  /** A device plugin of TensorFlow. */
  readonly plugin: Artefact | null;
  readonly fromLibrary: readonly Extract[];
  readonly fromPlugin: readonly Extract[];
  /** Symbolic links to make: path in the installed folder, and what it points at. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Bytes of the installed folder, and of the build beside it, at most. */
  readonly unpackedBytes: number;
  /** Flags of compiler and linker beyond those of every platform. */
  readonly flags: readonly string[];
}

const ADDON: Artefact = {
  kind: 'npm',
  project: '@tensorflow/tfjs-node-gpu',
  version: '4.22.0',
  file: 'tfjs-node-gpu-4.22.0.tgz',
  bytes: 223_379,
  sha256: 'afd5599ee1662e732c00a0ad1f52a3d001bdc118a1f44bd592a0a0ebf2daa4c7',
};

const HEADERS: Artefact = {
  kind: 'npm',
  project: 'node-api-headers',
  version: '1.9.0',
  file: 'node-api-headers-1.9.0.tgz',
  bytes: 16_974,
  sha256: '6cbfac49542194ae2c8f1dee5fa2dc00d66bec9cbf3b59e3a4e5f16d14eb0d19',
};

const LINUX_X64: TensorflowPlan = {
  platform: 'linux x64',
  library: {
    kind: 'wheel',
    project: 'tensorflow-cpu',
    version: '2.19.1',
    file: 'tensorflow_cpu-2.19.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
    bytes: 251_795_484,
    sha256: '0b6d72bd09c267e7573757bd309f5b1e2cdb02577339991da751f3a1411e4dae',
  },
  addon: ADDON,
  headers: HEADERS,
  plugin: null,
  fromLibrary: [
    { member: 'tensorflow/libtensorflow_cc.so.2', to: 'lib/libtensorflow_cc.so.2' },
    { member: 'tensorflow/libtensorflow_framework.so.2', to: 'lib/libtensorflow_framework.so.2' },
    { member: 'tensorflow/THIRD_PARTY_NOTICES.txt', to: 'lib/THIRD_PARTY_NOTICES.txt' },
  ],
  fromPlugin: [],
  links: [],
  unpackedBytes: 760_000_000,
  // Without nodelete, TensorFlow 2.21 crashed when the process ended.
  flags: [
    '-shared',
    '-l:libtensorflow_cc.so.2',
    '-l:libtensorflow_framework.so.2',
    '-Wl,-rpath,$ORIGIN/../lib',
    '-Wl,-z,nodelete',
  ],
};

/** Where libmetal_plugin.dylib looks for Python's TensorFlow (its LC_RPATH), from the folder above its own. */
const METAL_RPATH =
  '_solib_darwin_arm64/_U@local_Uconfig_Utf_S_S_C_Upywrap_Utensorflow_Uinternal___Uexternal_Slocal_Uconfig_Utf';

/** Compiled and linked nowhere yet: written from the load commands and symbols of the libraries. */
const MACOS_ARM64: TensorflowPlan = {
  platform: 'darwin arm64',
  library: {
    kind: 'wheel',
    project: 'tensorflow',
    version: '2.19.1',
    file: 'tensorflow-2.19.1-cp311-cp311-macosx_12_0_arm64.whl',
    bytes: 252_591_021,
    sha256: '8a274a1336051bef0e7e042fa5818a9d342e300d9c311c5d7933eb60e2269770',
  },
  addon: ADDON,
  headers: HEADERS,
  plugin: {
    kind: 'wheel',
    project: 'tensorflow-metal',
    version: '1.2.0',
    file: 'tensorflow_metal-1.2.0-cp311-cp311-macosx_12_0_arm64.whl',
    bytes: 1_357_400,
    sha256: '5fa7cee627031c14f45bd97ff0ef422cd6c3866199ff99cf29b94db6674ceb42',
  },
  fromLibrary: [
    { member: 'tensorflow/libtensorflow_cc.2.dylib', to: 'lib/libtensorflow_cc.2.dylib' },
    { member: 'tensorflow/libtensorflow_framework.2.dylib', to: 'lib/libtensorflow_framework.2.dylib' },
    { member: 'tensorflow/THIRD_PARTY_NOTICES.txt', to: 'lib/THIRD_PARTY_NOTICES.txt' },
  ],
  fromPlugin: [
    { member: 'tensorflow-plugins/libmetal_plugin.dylib', to: 'plugins/libmetal_plugin.dylib' },
    { member: 'tensorflow_metal-1.2.0.dist-info/LICENSE', to: 'plugins/LICENSE' },
  ],
  // All symbols the plugin takes from Python's library are in this one.
  links: [
    {
      path: `${METAL_RPATH}/_pywrap_tensorflow_internal.so`,
      target: '../../lib/libtensorflow_framework.2.dylib',
    },
  ],
  unpackedBytes: 700_000_000,
  flags: [
    '-bundle',
    '-undefined',
    'dynamic_lookup',
    '-ltensorflow_cc.2',
    '-ltensorflow_framework.2',
    '-Wl,-rpath,@loader_path/../lib',
    '-DNEXTVEC_DEVICE_PLUGIN="../plugins/libmetal_plugin.dylib"',
  ],
};

/** Version of the GNU C library of this process; null with another C library or system. */
function glibcVersion(): string | null {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime ?? null;
}

/** Throws ENGINE_UNAVAILABLE where there is no plan for this platform. */
export function tensorflowPlan(
  platform: string = process.platform,
  arch: string = process.arch,
  glibc = glibcVersion(),
): TensorflowPlan {
  if (platform === 'darwin' && arch === 'arm64') return MACOS_ARM64;
  if (platform === 'linux' && arch === 'x64' && glibc !== null) return LINUX_X64;
  const system = platform === 'linux' && arch === 'x64' ? 'linux x64 without the GNU C library' : `${platform} ${arch}`;
  throw new NextvecError('ENGINE_UNAVAILABLE', `TensorFlow cannot be installed on ${system}.`, {
    remedy: 'It can on Linux x64 (GNU C library) and on macOS arm64. The engine simd runs everywhere.',
  });
}

export function artefactsOf({ library, plugin, addon, headers }: TensorflowPlan): Artefact[] {
  return [library, ...(plugin === null ? [] : [plugin]), addon, headers];
}

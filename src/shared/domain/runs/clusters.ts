/** Ray clusters that runs can be sent to. Only the ones a person has named are ever reached. */
import { z } from 'zod';

const ADDRESS = /^ray:\/\/([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})$/;

export const ClusterAddressSchema = z.string().refine((word) => Number(ADDRESS.exec(word)?.[2] ?? NaN) <= 65_535, {
  message: 'an address of Ray is ray://HOST:PORT with the port of its dashboard, e.g. ray://127.0.0.1:8265',
});

export const ClusterSchema = z.strictObject({
  address: ClusterAddressSchema,
  /** A folder with the same path here and on every machine of the cluster. */
  folder: z.string().regex(/^(\/|[A-Za-z]:[\\/])/, 'the shared folder is an absolute path, the same on every machine'),
  /** How the machines of the cluster start this program, in their shell. */
  command: z.string().trim().min(1).default('nextvec'),
  /** CPUs and GPUs that Ray gives each job; a recipe's own threads come first. */
  cpus: z.int().min(1).max(256).default(2),
  gpus: z.int().min(0).max(16).default(0),
  /** Jobs at once; Ray lets those wait that it has no room for. */
  jobs: z.int().min(1).max(256).default(4),
});
export type Cluster = z.infer<typeof ClusterSchema>;

/** The address of Ray's HTTP interface. */
export function rayUrl(address: string): string {
  return address.replace(/^ray:/, 'http:');
}

/** What a test of a cluster found; what is wrong comes as an error. */
export const ClusterCheckSchema = z.object({
  rayVersion: z.string(),
  /** Name of the machine that the job of the test ran on. */
  machine: z.string(),
  /** How far its clock is ahead of this machine's, ms. */
  skewMs: z.number(),
});
export type ClusterCheck = z.infer<typeof ClusterCheckSchema>;

/** Where a run trains that is not trained here, and how far what it says has been read. */
export const RunPlaceSchema = z.object({
  /** Of the cluster. */
  address: z.string(),
  /** Number of its newest job there; 0: none yet. */
  attempt: z.int().min(0),
  /** Bytes of that job's events that are in the history. */
  read: z.int().min(0),
});
export type RunPlace = z.infer<typeof RunPlaceSchema>;

/** Id of an attempt's job in Ray: the run's, which names its first job. */
export function jobId(runId: string, attempt: number): string {
  return attempt === 1 ? runId : `${runId}-${attempt}`;
}

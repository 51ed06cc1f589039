/** The set of "another encoder": the sample's OOD set, turned by the program. Where it lies says which set it is. */
const FILE_NAME = 'sample-other-encoder.safetensors';

export const TURNED_SAMPLE = { fileName: FILE_NAME, name: 'Sample OOD, other encoder' } as const;

export function isTurnedSample({ sourcePath }: { readonly sourcePath: string }): boolean {
  return /[^/\\]*$/.exec(sourcePath)?.[0] === FILE_NAME;
}

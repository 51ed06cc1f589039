/** Takes an archive apart and zips members anew with right sizes and checksums, stored. */
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { buffer } from 'node:stream/consumers';
import yazl from 'yazl';
import { readWhole } from '../../src/main/formats/files/bytes.ts';
import { listMembers } from '../../src/main/formats/files/zip.ts';

export interface MemberContent {
  readonly name: string;
  readonly data: Uint8Array;
}

export async function unzip(path: string): Promise<MemberContent[]> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const members = await listMembers(handle, size, basename(path));
    return await Promise.all(
      members.map(async (member) => ({ name: member.name, data: await readWhole(member, 1 << 30) })),
    );
  } finally {
    await handle.close();
  }
}

export function zip(members: readonly MemberContent[]): Promise<Uint8Array> {
  const file = new yazl.ZipFile();
  for (const { name, data } of members) file.addBuffer(Buffer.from(data), name, { compress: false });
  file.end();
  return buffer(file.outputStream);
}

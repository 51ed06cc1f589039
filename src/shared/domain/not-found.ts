/** NOT_FOUND for the words that name runs and data sets; the same from a call and from a command. */
import { NextvecError } from './errors.ts';

export function unknownRun(handle: string): NextvecError {
  return new NextvecError('NOT_FOUND', `There is no run "${handle}".`, {
    remedy: 'List the runs ("nextvec runs") to see their numbers and ids.',
    details: { place: handle },
  });
}

/** `place`: the field of an input that names it. */
export function unknownDataset(handle: string, place = handle): NextvecError {
  return new NextvecError('NOT_FOUND', `There is no data set "${handle}".`, {
    remedy: 'List the data sets ("nextvec data list"), or import the file.',
    details: { place },
  });
}

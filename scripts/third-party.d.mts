export interface Notice {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly text: string;
}

export interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export type Lock = Readonly<Record<string, LockedPackage>>;

export declare function readLock(): Lock;
export declare function shippedPlaces(lock?: Lock): string[];
export declare function unshippedPlaces(lock?: Lock): string[];
export declare function noticeOf(place: string, lock?: Lock): Notice;
export declare function collectNotices(): Notice[];

export interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
}

/** The parts of a CycloneDX file that are read here. */
export interface Bom {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

export declare function cutBom(bom: Bom, wanted: ReadonlySet<string>): Bom;
export declare function writeSbom(folder: string): string;

/**
 * AssemblyScript's types as TypeScript sees them, for the declarations of this folder, which both compilers read. An f32
 * argument is given as an object, so that it cannot be taken for an integer.
 */

/** Signed integer; as a flag, 0 or 1. */
declare type i32 = number;
declare type u32 = number;
/** Byte address or byte distance. */
declare type usize = number;
declare type f32 = { readonly float: number };
declare type f64 = number;

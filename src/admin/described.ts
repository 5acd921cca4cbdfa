/**
 * Owns how a schema is held to the type that it describes. A schema that lacks a field of the type, has one too many, or takes
 * another kind of value does not compile, so the description of the API follows the code.
 */

import type { z } from 'zod';

/** A type as its JSON has it: whether a field may be left out stands beside its type. */
type Plain<T> = T extends readonly (infer Element)[]
  ? readonly Plain<Element>[]
  : T extends object
    ? { readonly [Key in keyof T]-?: readonly [MayBeAbsent<T, Key>, Plain<Exclude<T[Key], undefined>>] }
    : T;

type MayBeAbsent<T, Key extends keyof T> = {} extends Pick<T, Key> ? 'optional' : 'required';

type IsSame<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

/** What the compiler says of a schema that describes something else; the field names the type as it should be. */
interface Differs<T> {
  readonly thisSchemaDiffersFrom: T;
}

/** Takes a schema for a type: `describing<ClusterView>()(z.object({ … }))`. */
export function describing<T>() {
  return <Schema extends z.ZodType>(
    schema: IsSame<Plain<z.output<Schema>>, Plain<T>> extends true ? Schema : Differs<Plain<T>>,
  ): z.ZodType<T> => schema as unknown as z.ZodType<T>;
}

/** How a text of the configuration that has a form of its own becomes part of the schema. */
import { z } from 'zod';
import { BadValue } from './values.ts';

/** A text that `parse` brings into canonical form, or throws a {@link BadValue} about. */
export function text<T>(parse: (value: string) => T) {
  return z.string().transform((value, context): T => {
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      context.addIssue({
        code: 'custom',
        message: error.message,
        params: { code: error.code, fix: error.fix },
      });
      return z.NEVER;
    }
  });
}

/**
 * Owns what a row of the admin server's table is: a method of a path, what it takes, and what serves it. Rows are written so
 * that whoever describes the API (OpenAPI) has all that is checked here. Which rows there are: routes.ts.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { ControlPlane } from './control-plane.ts';
import type { LiveFeed } from './live-feed.ts';
import type { Metrics } from './metrics.ts';

/** What every route may use. */
export interface RouteContext {
  readonly control: ControlPlane;
  readonly metrics: Metrics;
  /** What open pages are told; absent: nothing. */
  readonly live?: LiveFeed;
  /** Listings that are being read at the moment. */
  readonly listings: { count: number };
}

/** One request, checked against its row. */
export interface Call<Body = undefined> extends RouteContext {
  readonly query: URLSearchParams;
  readonly body: Body;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Methods that rows may have. HEAD is answered as GET, without the content. */
export const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const;
/** All but GET change something, and need the token. */
export type Method = (typeof METHODS)[number];

/** A key of the query string. */
export interface Parameter {
  readonly name: string;
  readonly about: string;
  /** Default: it may be left out. */
  readonly isRequired?: true;
  /** It may be given several times. Default: once. */
  readonly isRepeated?: true;
  /** JSON Schema of one value, for descriptions; the route checks the value. Default: any text. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** A value that the route takes; for one that is required, its test asks with it. */
  readonly example?: string;
}

/** A reply with another status than 200. */
export interface OtherReply {
  /** When it comes. */
  readonly about: string;
  /** What it carries, by media type. Default: the error that every route reports. */
  readonly content?: Readonly<Record<string, z.ZodType | undefined>>;
}

/** What a method of a path does. */
export interface Route<Body = undefined> {
  /** What `/` says of it, in one line. */
  readonly about: string;
  /** Any other key is refused. Absent: the query string is not looked at. */
  readonly parameters?: readonly Parameter[];
  /** Absent: a request has none. */
  readonly body?: z.ZodType<Body>;
  /** A body that the route takes; its test sends it. */
  readonly example?: Body;
  /** What a good reply carries, by media type. JSON is to be described; only text goes without a schema. */
  readonly replies: Readonly<Record<string, z.ZodType | undefined>>;
  /** Replies of its own with other statuses; those that any such route may have are in openapi.ts. */
  readonly otherReplies?: Readonly<Record<number, OtherReply>>;
  serve(call: Call<Body>): void | Promise<void>;
}

/** The methods of a path. */
export type PathRoutes = { readonly [M in Method]?: Route<unknown> };

/** Paths and what they do; each part has some of them in a file of its own. */
export type Routes = ReadonlyMap<string, PathRoutes>;

/** A row with a body: its type follows from the schema. */
export function taking<Body>(route: Route<Body> & { readonly body: z.ZodType<Body> }): Route<unknown> {
  return route as Route<unknown>;
}

/** What is wrong with the keys of a query string; undefined: nothing. */
export function faultOf(query: URLSearchParams, parameters: readonly Parameter[]): string | undefined {
  const names = parameters.map(({ name }) => name);
  const unknown = [...query.keys()].find((key) => !names.includes(key));
  if (unknown !== undefined) return `${unknown}: not one of ${names.join(', ')}`;
  for (const { name, about, isRequired, isRepeated } of parameters) {
    const count = query.getAll(name).length;
    if (isRequired === true && count === 0) return `${name}: missing (${about})`;
    if (isRepeated !== true && count > 1) return `${name}: given ${count} times`;
  }
  return undefined;
}

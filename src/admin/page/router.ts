/** Owns which view an address means: what stands behind `#`, so that the server has one page only. */

/** A view with what it shows. */
export type Route =
  | { readonly view: 'overview' }
  | { readonly view: 'services'; readonly search: string; readonly health: string }
  | { readonly view: 'service'; readonly name: string }
  | {
      readonly view: 'steer';
      readonly kind: string;
      readonly name: string;
      readonly cluster: string;
      readonly end: string;
    }
  | { readonly view: 'explain'; readonly name: string; readonly type: string; readonly client: string };

/** @param hash - with or without its `#` */
export function readRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#?\/?/, '').split('?');
  const query = new URLSearchParams(search);
  const text = (key: string): string => query.get(key) ?? '';
  const [view, name = ''] = path.split('/').map(decode);
  switch (view) {
    case 'services':
      return { view, search: text('search'), health: text('health') || 'all' };
    case 'service':
      return { view, name };
    case 'explain':
      return { view, name: text('name'), type: text('type') || 'A', client: text('client') };
    case 'steer':
      return { view, kind: text('kind'), name: text('name'), cluster: text('cluster'), end: text('end') };
    default:
      return { view: 'overview' };
  }
}

/** The address of a view. */
export function hrefOf(route: Route): string {
  switch (route.view) {
    case 'overview':
      return '#/';
    case 'service':
      return `#/service/${encodeURIComponent(route.name)}`;
    case 'services':
    case 'steer':
    case 'explain': {
      const { view, ...rest } = route;
      const told = Object.entries(rest).filter(([key, value]) => value !== '' && DEFAULTS[key] !== value);
      const query = new URLSearchParams(told).toString();
      return query === '' ? `#/${view}` : `#/${view}?${query}`;
    }
  }
}

const DEFAULTS: Readonly<Record<string, string>> = { health: 'all', type: 'A' };

/** Somebody may have typed anything. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

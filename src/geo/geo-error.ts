/** What can be wrong with a GeoIP database. */

export type GeoErrorCode =
  /** No MaxMind DB file, or one that contradicts itself. */
  | 'GEOIP_MALFORMED'
  /** Its records tell neither coordinates nor a country. */
  | 'GEOIP_NO_PLACES'
  /** A file that is larger than any database. */
  | 'GEOIP_TOO_LARGE'
  /** A database that was built before the one in use. */
  | 'GEOIP_OLDER'
  /** More regions and zones than rows can tell apart. */
  | 'GEOIP_TOO_MANY_PLACES';

/** A database that cannot be used. The message names its type where it tells one. */
export class GeoError extends Error {
  readonly code: GeoErrorCode;

  constructor(code: GeoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GeoError';
    this.code = code;
  }
}

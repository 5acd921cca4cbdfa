/** What is shown of signing. */
export interface SigningStatus {
  /** Memory for signatures and for queries that wait for one; it does not grow. */
  readonly octets: number;
  /** Signatures that are kept, of what exists and of denials of what does not. */
  readonly kept: Readonly<Record<'data' | 'denial', number>>;
  /** Queries that wait for one at this moment, by what they wait for. */
  readonly waiting: Readonly<Record<'data' | 'proven_denial' | 'denial' | 'refresh', number>>;
}

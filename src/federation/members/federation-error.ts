/** Owns what ends a command of registration: a stable code and a line that says what to do. */

export type FederationErrorCode =
  /** The name of a cluster, region, zone, federation or domain is none. */
  | 'NAME_MALFORMED'
  /** No kubeconfig has such a context, or what it says cannot be used. */
  | 'CONTEXT_UNUSABLE'
  | 'HOST_UNREACHABLE'
  | 'MEMBER_UNREACHABLE'
  /** The host has not been prepared by `fedns init`. */
  | 'NO_FEDERATION'
  /** The host is that of another federation or domain. */
  | 'OTHER_FEDERATION'
  /** The cluster is a member by another name. */
  | 'ALREADY_MEMBER'
  /** The name is that of another cluster. */
  | 'NAME_TAKEN'
  /** The host cannot reach the address by which the member is known here. */
  | 'ADDRESS_LOCAL'
  /** What the member's context needs cannot be kept in a Secret. */
  | 'NOT_KEEPABLE'
  /** The context leads to another cluster than the member. */
  | 'OTHER_CLUSTER'
  | 'NOT_A_MEMBER'
  /** An object could not be written. */
  | 'REFUSED'
  /** The cluster has put no token into its Secret, or the token is not taken. */
  | 'NO_TOKEN'
  | 'FILE_EXISTS';

export class FederationError extends Error {
  readonly code: FederationErrorCode;

  constructor(code: FederationErrorCode, message: string) {
    super(message);
    this.name = 'FederationError';
    this.code = code;
  }
}

/** Numbers of the DNS protocol that more than one part needs (IANA DNS Parameters). */

/** RR and query types that the code treats specially; the rest are in rr-types.ts. */
export const Type = {
  /** The addresses of a Service at a name of the configuration; never on the wire, and 0 cannot be asked for (RFC 6895 section 3.1). */
  ALIAS: 0,
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  CDS: 59,
  CDNSKEY: 60,
  NXNAME: 128,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
} as const;

export const Class = { IN: 1, CH: 3, ANY: 255 } as const;

/** RCODEs, also the extended ones that need an OPT record (RFC 6895 section 2.3). */
export const Rcode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  NOTAUTH: 9,
  BADVERS: 16,
  BADCOOKIE: 23,
} as const;

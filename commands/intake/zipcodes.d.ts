/** The part of the `zipcodes` package that is used; it ships no types. */
declare module 'zipcodes' {
  export interface ZipCode {
    readonly zip: string;
    readonly latitude: number;
    readonly longitude: number;
    readonly city: string;
    readonly state: string;
    readonly country: string;
  }
  export function lookup(zip: string): ZipCode | undefined;
}

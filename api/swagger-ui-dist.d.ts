/** The package brings no types; this is the one function that we call. */
declare module 'swagger-ui-dist' {
  /** Folder of the page's files. */
  export function getAbsoluteFSPath(): string;
}

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.quayside', '<rootDir>/test/fixtures/violations'],
  transform: {
    '^.+\\.[cm]?[jt]s$': [
      '@swc/jest',
      { jsc: { target: 'es2023', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  // Packages that ship only ES modules; jest cannot require() those, so they go through swc too.
  transformIgnorePatterns: ['/node_modules/(?!(@shopify|uuidv7|csv-parse|p-queue|jose|lossless-json)/)'],
};

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  reporters: ['default', '<rootDir>/test/support/closing-line-reporter.js'],
  maxWorkers: 2,
  // Tests talk to real servers: a slow one is no failure, a hanging one is.
  testTimeout: 30_000,
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

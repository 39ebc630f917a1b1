/** Stops what global-setup started; nothing of a test run stays behind. */
module.exports = async () => {
  await globalThis.quaysideTestServers?.stop();
};

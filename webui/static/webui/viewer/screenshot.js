/** The session's screen as a file: the picture as it is now, in its own size. */

/** "Blade-3-20260802-143005.png": the session's name as far as file systems take it, and the time here. */
function fileName(name, now) {
  const plain = name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "") || "session";
  const two = (number) => String(number).padStart(2, "0");
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `${plain}-${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}.png`;
}

/**
 * @param {Line} line see line.js
 * @param {string} name the session's
 * @param {(sentence: string) => void} say tells the user
 * @param {object} texts what to say
 */
export function wireScreenshot(line, name, say, texts) {
  document.getElementById("tool-screenshot").addEventListener("click", () => {
    line.current?.rfb.toBlob((blob) => {
      if (blob === null) {
        return; // a screen without a single pixel
      }
      const link = document.createElement("a");
      link.download = fileName(name, new Date());
      link.href = URL.createObjectURL(blob);
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 0);
      say(texts.screenshotSaved.replace("{}", link.download));
    }, "image/png");
  });
}

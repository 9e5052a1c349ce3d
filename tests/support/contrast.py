"""How well the texts of a page can be read: its lowest contrast, and the element that has it."""

# WCAG 2.2, "Contrast (Minimum)": the ratio of the colours of a text and of what lies behind it.
CONTRAST = """
(() => {
  const colour = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (one) => {
    const found = colour(getComputedStyle(one).backgroundColor);
    return found[3] === 0 && one.parentElement ? ground(one.parentElement) : found;
  };
  const texts = [...document.querySelectorAll('body *')]
    .filter((one) => one.offsetParent && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const ratios = texts.map((one) => {
    const [a, b] = [light(colour(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), one.outerHTML.slice(0, 80)];
  });
  return ratios.sort((x, y) => x[0] - y[0])[0];
})()
"""

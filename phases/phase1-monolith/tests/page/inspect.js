// What is wrong with how the page looks now, as a list of sentences: parts outside the window, and text or
// edges of fields that are hard to see (WCAG 2.2: 1.4.3 and 1.4.11).
const wrong = [];
const numbers = (color) => color.match(/[\d.]+/g).map(Number);
const luminance = (color) => {
  const [red, green, blue] = color.map((part) =>
    part <= 10 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one, other) => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
const ground = (at) => {
  const [red, green, blue, alpha = 1] = numbers(getComputedStyle(at).backgroundColor);
  return alpha > 0 ? [red, green, blue] : ground(at.parentElement);
};
const expect = (least, color, at, what) => {
  const seen = contrast(numbers(color).slice(0, 3), ground(at));
  if (seen < least) wrong.push(`${what} of ${at.outerHTML.slice(0, 60)}: contrast ${seen.toFixed(2)}`);
};

if (document.documentElement.scrollWidth > innerWidth) {
  wrong.push(`${document.documentElement.scrollWidth} px wide, the window ${innerWidth}`);
}
for (const at of document.querySelectorAll('main *')) {
  if (!at.checkVisibility() || at.ariaDisabled === 'true') continue;
  const { left, right } = at.getBoundingClientRect();
  if (left < 0 || right > innerWidth) wrong.push(`${at.outerHTML.slice(0, 60)}: from ${left} to ${right}`);
  const style = getComputedStyle(at);
  const words = [...at.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (words || at.value) expect(4.5, style.color, at, 'text');
  if (at.tagName === 'INPUT') expect(3, style.borderTopColor, at.parentElement, 'edge');
}
return { wrong, width: innerWidth, dark: matchMedia('(prefers-color-scheme: dark)').matches };

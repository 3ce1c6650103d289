// Elements, amounts and series.
const data = JSON.parse(document.getElementById("data").textContent);
const kSvg = "http://www.w3.org/2000/svg";

// Children that are no elements become text: nothing that came from a file is ever read as HTML.
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.appendChild(typeof child === "object" ? child : document.createTextNode(String(child)));
  }
  return element;
}
function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
function s(tag, attributes, ...children) {
  return fill(document.createElementNS(kSvg, tag), attributes, children);
}
function replace(element, ...children) {
  element.textContent = "";
  return fill(element, null, children);
}

// --- amounts for people

// A zero after the point says nothing.
function short(value, digits) {
  return value.toFixed(digits).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}
const kUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
function unitOf(bytes) {
  let unit = 0;
  while (unit + 1 < kUnits.length && Math.abs(bytes) >= 1024 ** (unit + 1)) ++unit;
  return unit;
}
function size(bytes) {
  const unit = unitOf(bytes);
  const value = bytes / 1024 ** unit;
  const digits = unit === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${short(value, digits)} ${kUnits[unit]}`;
}
function signedSize(bytes) {
  return bytes > 0 ? `+${size(bytes)}` : bytes < 0 ? `−${size(-bytes)}` : "0";
}
function percent(value) {
  if (value === 0) return "0 %";
  if (value < 0.0001) return "< 0.0001 %";
  return `${short(value, value >= 10 ? 1 : value >= 1 ? 2 : value >= 0.1 ? 3 : 4)} %`;
}
function count(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, " ");
}
function ratioText(value) {
  return `${short(value, 2)}×`;
}
// "3 d 04:10:20", "04:10:20".
function clock(seconds) {
  const whole = Math.floor(seconds + 1e-6);
  const two = (value) => String(value).padStart(2, "0");
  const days = Math.floor(whole / 86400);
  const time =
    `${two(Math.floor(whole / 3600) % 24)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return days > 0 ? `${days} d ${time}` : time;
}
// "14 d", "6 h", "90 s": for axes and lengths.
function duration(seconds) {
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]])
    if (seconds >= length) return `${short(seconds / length, seconds % length === 0 ? 0 : 1)} ${unit}`;
  return `${short(seconds, 2)} s`;
}
function many(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

// --- series

const kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const kDigitOf = new Map([...kDigits].map((digit, value) => [digit, value]));

// The least and most of each stretch, in bytes; NaN where nothing is known.
function series(text, stretches, full) {
  const lo = new Float64Array(stretches);
  const hi = new Float64Array(stretches);
  const value = (at) => {
    const code = kDigitOf.get(text[at]) * 64 + kDigitOf.get(text[at + 1]);
    return code === 4095 ? NaN : (code / 4094) * full;
  };
  const constant = text.length === 4;
  for (let i = 0; i < stretches; ++i) {
    const at = constant ? 0 : i * 4;
    lo[i] = value(at);
    hi[i] = value(at + 2);
  }
  return { lo, hi };
}
// The share of each stretch that was waited, 0..1.
function stallShares(text, stretches) {
  const shares = new Float64Array(stretches);
  for (let i = 0; i < text.length; ++i) {
    const digit = kDigitOf.get(text[i]);
    shares[i] = digit === 0 ? 0 : 10 ** (((digit - 1) * 5) / 62 - 5);
  }
  return shares;
}
function mean(one) {
  let sum = 0;
  let known = 0;
  for (let i = 0; i < one.lo.length; ++i) {
    if (Number.isNaN(one.lo[i])) continue;
    sum += (one.lo[i] + one.hi[i]) / 2;
    ++known;
  }
  return known > 0 ? sum / known : 0;
}

// --- policies

const kColours = 8;
const kDashes = ["", "7 3", "2 3", "10 3 2 3"];
const kShapes = ["circle", "square", "triangle", "diamond"];

function isBound(policy) {
  return data.bounds.includes(policy);
}
// Colour, dash and shape: any two policies differ in at least two of them.
function stylesOf(input) {
  const styles = new Map();
  let next = 0;
  for (const { policy } of input.runs) {
    if (styles.has(policy)) continue;
    if (isBound(policy)) {
      const which = data.bounds.indexOf(policy);
      styles.set(policy, { colour: "var(--bound)", dash: which === 0 ? "3 4" : "12 4",
                           shape: which === 0 ? "square" : "diamond", bound: true });
      continue;
    }
    const turn = Math.floor(next / kColours);
    styles.set(policy, { colour: `var(--c${next % kColours})`,
                         dash: kDashes[(next + turn) % kDashes.length],
                         shape: kShapes[(next + turn) % kShapes.length], bound: false });
    ++next;
  }
  return styles;
}

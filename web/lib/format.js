// Numbers, sizes and times as people of the page's language write them.

const lang = () => document.documentElement.lang;

export function number(value, options = {}) {
  return new Intl.NumberFormat(lang(), options).format(value);
}

export function percent(share) {
  return number(share, { style: "percent", maximumFractionDigits: 0 });
}

export function milliseconds(seconds) {
  const ms = seconds * 1000;
  return number(ms, { style: "unit", unit: "millisecond", maximumFractionDigits: ms < 10 ? 1 : 0 });
}

const SIZES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

export function size(bytes) {
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), SIZES.length - 1);
  const value = bytes / 1000 ** power;
  const digits = power > 0 && value < 10 ? 1 : 0;
  return number(value, { style: "unit", unit: SIZES[power], unitDisplay: power === 0 ? "long" : "short", maximumFractionDigits: digits });
}

export function day(text) {
  return new Intl.DateTimeFormat(lang(), { dateStyle: "medium" }).format(new Date(text));
}

export function moment(text) {
  return new Intl.DateTimeFormat(lang(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));
}

const STEPS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

/** "3 hours ago"; a date when it is more than a week. */
export function ago(text) {
  const seconds = (Date.now() - new Date(text).getTime()) / 1000;
  if (seconds > 7 * 86_400) return day(text);
  const format = new Intl.RelativeTimeFormat(lang(), { numeric: "auto" });
  for (const [unit, length] of STEPS) {
    if (seconds >= length) return format.format(-Math.floor(seconds / length), unit);
  }
  return format.format(0, "second");
}

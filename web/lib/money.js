// Sums and their months as people of the page's language write them.

const lang = () => document.documentElement.lang;

/** Without a currency, where none was ever set: the bare figure. What nobody knows is a dash, and no zero. */
export function money(value, currency) {
  if (value === null || value === undefined) return "—";
  const format = new Intl.NumberFormat(lang(), currency ? { style: "currency", currency } : { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  // Rounded here: a sum that is a hair below zero would be "-0".
  const scale = 10 ** format.resolvedOptions().maximumFractionDigits;
  return format.format(Math.round(value * scale) / scale + 0);
}

/** The month of `YYYY-MM`, in words. */
export function month(text) {
  const [year, number_] = text.split("-").map(Number);
  return new Intl.DateTimeFormat(lang(), { month: "long", year: "numeric" }).format(new Date(year, number_ - 1, 1));
}

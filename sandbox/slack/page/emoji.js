// The emoji that cards use; others stay as they were written.

const KNOWN = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", eyes: "👀", lock: "🔒", unlock: "🔓", moneybag: "💰", chart_with_upwards_trend: "📈",
  chart_with_downwards_trend: "📉", bar_chart: "📊", information_source: "ℹ️", thumbsup: "👍", "+1": "👍", thumbsdown: "👎",
  "-1": "👎", no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑", wave: "👋", bulb: "💡", memo: "📝", link: "🔗",
  mag: "🔍", clock3: "🕒", calendar: "📅", gear: "⚙️", robot_face: "🤖", tada: "🎉", arrow_right: "➡️", rewind: "⏪",
  large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴", black_circle: "⚫", shield: "🛡️", receipt: "🧾",
  bank: "🏦", computer: "💻", zap: "⚡", sleeping: "😴", question: "❓", exclamation: "❗", pushpin: "📌", bell: "🔔",
};

export function emoji(name) {
  const sign = KNOWN[name];
  if (!sign) return null;
  const element = document.createElement("span");
  element.className = "emoji";
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", name.replaceAll("_", " "));
  element.textContent = sign;
  return element;
}

/*
Copyright (c) 2026 The warehousepg.coordinator authors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
How old the page is, so that one which is left open, or is not made any more, is not taken for a look at this moment.
*/
const seen = document.querySelector("[data-seen]");
const age = document.querySelector("[data-age]");

function tell() {
  const minutes = Math.floor((Date.now() - Date.parse(seen.dateTime)) / 60000);
  const [count, unit] = minutes < 120 ? [minutes, "minute"] : minutes < 2880 ? [minutes / 60, "hour"] : [minutes / 1440, "day"];
  const whole = Math.floor(count);
  age.textContent = minutes < 1 ? ", just now" : `, ${whole} ${unit}${whole === 1 ? "" : "s"} ago`;
  age.classList.toggle("old", minutes >= 60);
}

tell();
setInterval(tell, 30000);

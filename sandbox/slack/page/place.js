// Where blocks stand: in a message, in a modal or in the App Home. A place knows what a press there means.

import { complain, confirmed, post } from "/page/api.js";
import { collect } from "/page/elements.js";
import { readable, textObject } from "/page/text.js";

let count = 0;

export function newPlace(state, where) {
  count += 1;
  const place = { id: count, me: state.me, people: state.people, channels: state.channels, values: {} };
  place.press = async (block, one, value) => {
    if (one.confirm && !(await confirmed(one.confirm, textObject, readable))) return;
    const given = { user: state.me, action_id: one.action_id, block_id: block.block_id, confirmed: true, values: collect(place), ...where };
    const answer = await post("click", value === undefined ? given : { ...given, value });
    if (answer.error) complain(answer);
  };
  return place;
}

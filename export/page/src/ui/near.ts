// A line of a list marks its place on the map while it is pointed at or has the focus.

import { hovered } from "../state";

const mark = (place: string | undefined, on: boolean) => (e: Event): void => {
  if (place && (e as PointerEvent).pointerType !== "touch") hovered.value = on ? place : null;
};

/**
 * Events of the pointer, as the map's are: Firefox tells a line that the mouse has left
 * it after it has told the map of its coming. A finger that scrolls marks nothing.
 */
export const pointed = (place: string | undefined) => ({ onPointerEnter: mark(place, true), onPointerLeave: mark(place, false) });

export const focused = (place: string | undefined) => ({ onFocus: mark(place, true), onBlur: mark(place, false) });

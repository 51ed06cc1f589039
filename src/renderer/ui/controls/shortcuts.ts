/** Keyboard shortcuts of the window: "mod+k" is ⌘K on a Mac and Ctrl+K elsewhere. */
import { useEventListener } from '@vueuse/core';

export const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);

const SYMBOLS: Readonly<Record<string, string>> = IS_MAC
  ? { mod: '⌘', shift: '⇧', alt: '⌥', enter: '↩', backspace: '⌫', escape: 'esc' }
  : { mod: 'Ctrl', shift: 'Shift', alt: 'Alt', enter: 'Enter', backspace: 'Del', escape: 'Esc' };

export function shortcutLabel(keys: string): string {
  const parts = keys.split('+').map((part) => SYMBOLS[part] ?? part.toUpperCase());
  return parts.join(IS_MAC ? '' : ' ');
}

/** Whether the event is of these keys, e.g. "mod+enter". */
export function matches(event: KeyboardEvent, keys: string): boolean {
  const parts = keys.split('+');
  const key = parts.at(-1);
  const mod = IS_MAC ? event.metaKey : event.ctrlKey;
  return (
    event.key.toLowerCase() === key &&
    mod === parts.includes('mod') &&
    event.shiftKey === parts.includes('shift') &&
    event.altKey === parts.includes('alt')
  );
}

/** Radio buttons and checkboxes take the space bar and arrow keys, but no text. */
const FIELDS = 'input:not([type="radio"], [type="checkbox"]), textarea, select';

/** Whether the key event is in a text field. */
export function isTyping(event: Event): boolean {
  const { target } = event;
  // The document itself has no such methods.
  return target instanceof HTMLElement && (target.isContentEditable || target.matches(FIELDS));
}

/** Menus find their items by letter, and a dialog is not part of the page that binds the shortcuts. */
const ELSEWHERE = '[role="menu"], [role="listbox"], [role="dialog"], [role="alertdialog"]';

/** Whether the focused element takes the keys: a text field all, a menu or dialog single characters. */
function takesKeys(event: KeyboardEvent, keys: string): boolean {
  const { target } = event;
  return isTyping(event) || (keys.length === 1 && target instanceof Element && target.closest(ELSEWHERE) !== null);
}

/** Binds shortcuts while the component is mounted; those without "mod" do not work in text fields, single characters not in menus and dialogs. */
export function useShortcuts(bindings: Readonly<Record<string, () => void>>): void {
  useEventListener(window, 'keydown', (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    for (const [keys, run] of Object.entries(bindings)) {
      if (!matches(event, keys) || (!keys.includes('mod') && takesKeys(event, keys))) continue;
      event.preventDefault();
      run();
      return;
    }
  });
}

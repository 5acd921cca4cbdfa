/** Where the page begins. */

import { h, render } from 'preact';
import { App } from './app.ts';
import { startStore } from './store.ts';

startStore();
const root = document.getElementById('app')!;
root.replaceChildren();
render(h(App, null), root);

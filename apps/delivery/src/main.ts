import '@getit/ui/look.css';
import { mount } from 'svelte';
import { begin } from '@getit/ui';
import App from './App.svelte';

begin('delivery');
mount(App, { target: document.getElementById('app')! });

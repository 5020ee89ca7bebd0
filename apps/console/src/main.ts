import '@getit/ui/look.css';
import './print.css';
import { mount } from 'svelte';
import { begin } from '@getit/ui';
import App from './App.svelte';

begin('console');
mount(App, { target: document.getElementById('app')! });

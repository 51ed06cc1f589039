@echo off
rem The command line of an installed app: the app's own program, run as Node.
set ELECTRON_RUN_AS_NODE=1
"%~dp0..\..\Nextvec.exe" "%~dp0..\app.asar\out\main\cli.js" %*
